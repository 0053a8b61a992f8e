package keratin

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
)

// Cookies. The first has the name that Keratin AuthN gives it; no other part of an app reads them.
const (
	sessionCookie = "authn"
	deviceCookie  = "authn_device" // marks of users who have signed in with the browser: see people/devices.go
	factorCookie  = "authn_totp"   // an authenticator app that is being set up
	tripCookie    = "authn_oauth"  // binds a round trip to an upstream provider to the browser

	// deviceLife is as long as browsers keep a cookie (RFC 6265bis section 5.5).
	deviceLife = 400 * 24 * time.Hour
)

// cookieOf returns the value of a cookie; "" for none.
func cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// held returns what the browser holds of its session. It is sealed, so that it opens nothing on the pages of Vouchsafe,
// and what a browser holds for those opens nothing here.
func (d *Door) held(t *issuer.Tenant, r *http.Request) string {
	plain, err := d.People.Secrets.Box(t.ID, secret.DelegatedSession).OpenString(cookieOf(r, sessionCookie))
	if err != nil {
		return ""
	}
	return string(plain)
}

// keep gives the browser the session that it has from now on.
func (d *Door) keep(a *asking, kept people.Kept) {
	d.keepSession(a, kept.Sessions)
	if kept.Known != "" && kept.Known != a.asker.Kept.Known {
		d.setCookie(a.w, deviceCookie, kept.Known, deviceLife)
	}
	a.asker.Kept = kept
}

// keepSession writes the session cookie.
func (d *Door) keepSession(a *asking, held string) {
	age := time.Duration(0)
	if d.Persistent {
		age = d.SessionLife
	}
	sealed := d.People.Secrets.Box(a.asker.Tenant.ID, secret.DelegatedSession).SealString([]byte(held))
	d.setCookie(a.w, sessionCookie, sealed, age)
}

// setCookie sets a cookie. Without an age it lasts until the browser is closed.
func (d *Door) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	path := d.path
	if path == "" {
		path = "/"
	}
	c := &http.Cookie{
		Name: name, Value: value, Path: path, MaxAge: int(age / time.Second), Secure: d.secure, HttpOnly: true,
		SameSite: d.SameSite,
	}
	if name == tripCookie && d.SameSite == http.SameSiteStrictMode {
		c.SameSite = http.SameSiteLaxMode // browsers come back from another site
	}
	http.SetCookie(w, c)
}

// dropCookie deletes a cookie.
func (d *Door) dropCookie(w http.ResponseWriter, name string) { d.setCookie(w, name, "", -time.Second) }
