package browser

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

const (
	// maxDeviceAccounts bounds the ids that a browser is known for: an account whose second
	// factor was given there has two.
	maxDeviceAccounts = 16
	maxTags           = maxDeviceAccounts + 1 // and that it signed in at all
	// tagLength is that of a MAC in base64url.
	tagLength = 43
	// deviceAge is as long as browsers keep a cookie (RFC 6265bis section 5.5), in seconds.
	deviceAge = 400 * 24 * 60 * 60
)

// Devices remembers in a cookie to which accounts a browser has signed in before.
// Guesses from such a browser are counted apart, so that a stranger who uses up an
// account's guesses does not lock its owner out. Nothing is stored: the cookie holds
// an id and, for each account, a MAC of both. It proves nothing else.
//
// An account is named with the version of its credentials, so that a new password ends
// what browsers were known for before.
type Devices struct {
	Secrets *secret.Masters
}

// Known says whether the browser is known for the account, and the id of the browser to
// count by.
func (d *Devices) Known(r *http.Request, account string) (device string, ok bool) {
	id, tags := d.read(r)
	return id, slices.ContainsFunc(tags, func(tag string) bool { return d.match(r, id, account, tag) })
}

// Ours says whether the browser has signed in to any account before, and its id: for what
// is done before it is clear whose account it is about.
func (d *Devices) Ours(r *http.Request) (device string, ok bool) { return d.Known(r, anyAccount) }

// anyAccount is by what a browser is known that has signed in to some account.
const anyAccount = ""

// Remember notes that the browser has signed in to the account, by whichever names it is
// asked about.
func (d *Devices) Remember(w http.ResponseWriter, r *http.Request, accounts ...string) {
	id, tags := d.read(r)
	if id == "" {
		id = secret.Token()
	}
	for _, account := range append(accounts, anyAccount) {
		tags = slices.DeleteFunc(tags, func(tag string) bool { return d.match(r, id, account, tag) })
		tags = append([]string{d.tag(r, id, account)}, tags...)
	}
	tags = tags[:min(len(tags), maxTags)]
	setCookie(w, web.TenantOf(r.Context()), "device", id+"."+strings.Join(tags, "."), deviceAge)
}

func (d *Devices) read(r *http.Request) (id string, tags []string) {
	c, err := r.Cookie(cookieName(web.TenantOf(r.Context()), "device"))
	if err != nil {
		return "", nil
	}
	parts := strings.Split(c.Value, ".")
	if len(parts[0]) != 43 || len(parts) > 1+maxTags {
		return "", nil
	}
	// What is no tag is not sent back: a browser keeps no cookie that is too long.
	tags = slices.DeleteFunc(parts[1:], func(tag string) bool { return len(tag) != tagLength })
	return parts[0], tags
}

func (d *Devices) box(r *http.Request) *secret.Box {
	return d.Secrets.Box(web.TenantOf(r.Context()).ID, secret.KnownBrowser)
}

func (d *Devices) tag(r *http.Request, id, account string) string {
	return base64.RawURLEncoding.EncodeToString(d.box(r).MAC([]byte(id + "\x00" + account)))
}

func (d *Devices) match(r *http.Request, id, account, tag string) bool {
	mac, err := base64.RawURLEncoding.DecodeString(tag)
	return err == nil && d.box(r).VerifyMAC([]byte(id+"\x00"+account), mac)
}
