package keratin

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// tripLife is how long a browser keeps what binds a round trip to it.
const tripLife = 15 * time.Minute

// traveller returns the name of the browser that holds the value of the trip's cookie.
func traveller(value string) string {
	sum := sha256.Sum256([]byte("keratin-trip\x00" + value))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// begin is GET /oauth/P.
func (d *Door) begin(a *asking) error {
	page := a.fields["redirect_uri"]
	if _, ok := d.audienceOf(page); !ok {
		return a.leave(d.firstPage())
	}
	bound := cookieOf(a.Request, tripCookie)
	if len(bound) != len(secret.Token()) {
		bound = secret.Token()
	}
	a.asker.Browser = traveller(bound)
	to, err := d.People.Depart(a.Context(), a.asker, a.PathValue("provider"), page)
	if errors.Is(err, storage.ErrNotFound) {
		return &refused{http.StatusNotFound, "no such provider is set up"}
	}
	if err != nil {
		return d.failed(a, page, err)
	}
	d.setCookie(a.w, tripCookie, bound, tripLife)
	return a.leave(to)
}

// comeBack is GET /oauth/P/return.
func (d *Door) comeBack(a *asking) error {
	provider := a.PathValue("provider")
	if bound := cookieOf(a.Request, tripCookie); bound != "" {
		a.asker.Browser = traveller(bound)
	}
	in, page, err := d.People.Return(a.Context(), a.asker, provider, a.fields["state"], upstream.Answer{
		Code: a.fields["code"], Error: a.fields["error"], Iss: a.fields["iss"], User: a.fields["user"],
	})
	if err != nil {
		return d.failed(a, page, err)
	}
	if in.Session.ID != "" {
		d.keep(a, in.Kept)
	}
	return a.leave(page)
}

// postBack is POST /oauth/P/return, of Apple. Browsers send no cookie with it, because it comes from a page of another
// site: they come again by GET.
func (d *Door) postBack(a *asking) error {
	again := url.Values{}
	for _, name := range []string{"state", "code", "error", "user"} {
		if value := a.fields[name]; value != "" {
			again.Set(name, value)
		}
	}
	return a.leave(d.path + a.URL.Path + "?" + again.Encode())
}

// failed sends the browser back to the app's page, which is told so. An outage is an error.
func (d *Door) failed(a *asking, page string, err error) error {
	if errors.Is(err, storage.ErrUnavailable) || errors.Is(err, context.Canceled) {
		return err
	}
	web.Note(a.Context(), "why", err.Error())
	if page == "" {
		page = d.firstPage()
	}
	u, err := url.Parse(page)
	if err != nil {
		return err // it was read before
	}
	q := u.Query()
	q.Set("status", "failed")
	u.RawQuery = q.Encode()
	return a.leave(u.String())
}

// leave sends the browser elsewhere.
func (a *asking) leave(to string) error {
	h := a.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Location", to)
	a.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// identities is GET /oauth/accounts.
func (d *Door) identities(a *asking) error {
	current, err := d.current(a)
	if err != nil {
		return err
	}
	ids, err := d.People.Identities(a.Context(), current.User)
	if err != nil {
		return err
	}
	return a.result(http.StatusOK, identitiesOf(ids))
}

// unlink is DELETE /oauth/P.
func (d *Door) unlink(a *asking) error {
	current, err := d.current(a)
	if err != nil {
		return err
	}
	if err := d.People.UnlinkOwn(a.Context(), a.asker, current, a.PathValue("provider")); err != nil {
		return err
	}
	return a.done()
}
