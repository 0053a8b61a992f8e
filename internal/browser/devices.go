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
	// maxDeviceAccounts bounds how many names of accounts a browser is remembered for. An account
	// whose second factor was given in this browser has two names.
	maxDeviceAccounts = 16
	maxTags           = maxDeviceAccounts + 1 // one more for anyAccount
	// tagLength is the length of a MAC in base64url.
	tagLength = 43
	// deviceAge is the longest time for which browsers keep a cookie (RFC 6265bis section 5.5), in
	// seconds.
	deviceAge = 400 * 24 * 60 * 60
)

// Devices remembers in a cookie which accounts a browser has signed in to before. Guesses from such
// a browser are counted apart, so that a stranger who uses up an account's guesses does not lock
// its owner out. The server stores nothing: the cookie holds a random id of the browser and, for
// each account, a MAC over both. The cookie proves nothing else, and signs no user in.
//
// The name of an account contains the version of its credentials, so that a new password ends what
// browsers were remembered for.
type Devices struct {
	Secrets *secret.Masters
}

// Known reports whether the browser has signed in to the account before, and returns the browser's
// id, by which attempts are counted.
func (d *Devices) Known(r *http.Request, account string) (device string, ok bool) {
	id, tags := d.read(r)
	return id, slices.ContainsFunc(tags, func(tag string) bool { return d.match(r, id, account, tag) })
}

// Ours is Known for any account. It serves what happens before it is clear which account is meant.
func (d *Devices) Ours(r *http.Request) (device string, ok bool) { return d.Known(r, anyAccount) }

// anyAccount is the name under which every browser is remembered that has signed in to some
// account.
const anyAccount = ""

// Remember records that the browser has signed in to the account. accounts are all names under
// which Known may be asked about it. The oldest names are dropped beyond maxTags.
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

// read returns the browser's id and its MACs, or "" if the browser has no valid cookie.
func (d *Devices) read(r *http.Request) (id string, tags []string) {
	c, err := r.Cookie(cookieName(web.TenantOf(r.Context()), "device"))
	if err != nil {
		return "", nil
	}
	parts := strings.Split(c.Value, ".")
	if len(parts[0]) != 43 || len(parts) > 1+maxTags {
		return "", nil
	}
	// Values of another length are dropped, because browsers do not store a cookie that is too
	// long.
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
