package browser

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

const (
	bindingLength = 43 // the length of what secret.Token returns
	// bindingGrace is how long a replaced binding still counts as the browser's. Sign-ins that
	// began under it in other tabs can finish.
	bindingGrace = time.Hour
	// maxBefore bounds how many replaced bindings the cookie holds, at 55 bytes each. A browser that opens the tabs of
	// yesterday has a sign-in page in each, and every sign-in replaces the binding.
	maxBefore = 16
)

// Binding returns the random value that ties an authorization request to this browser. A browser
// that has none gets one, as a session cookie. Every sign-in, every further proof and every
// sign-out replaces the value, so that an attacker who saw an earlier one cannot tell what is tied
// to the browser afterwards.
func Binding(w http.ResponseWriter, r *http.Request) string {
	if b := Bound(r); b != "" {
		return b
	}
	b := secret.Token()
	setCookie(w, web.TenantOf(r.Context()), "browser", b, 0)
	return b
}

// Bound returns the browser's Binding, or "" when the browser has none.
func Bound(r *http.Request) string {
	c, err := r.Cookie(cookieName(web.TenantOf(r.Context()), "browser"))
	if err != nil || len(c.Value) != bindingLength {
		return ""
	}
	return c.Value
}

// Bindings returns the bindings under which a flow that comes back now may have begun: the
// browser's current one, and those that were replaced within the last hour.
func Bindings(r *http.Request) (all []string) {
	if bound := Bound(r); bound != "" {
		all = append(all, bound)
	}
	for _, b := range boundBefore(r, time.Now()) {
		all = append(all, b.binding)
	}
	return all
}

// Began reports whether match accepts one of the Bindings.
func Began(r *http.Request, match func(binding string) bool) bool {
	return slices.ContainsFunc(Bindings(r), match)
}

// before is a binding that was replaced, and the time when it was.
type before struct {
	binding string
	at      time.Time
}

// boundBefore returns the replaced bindings that still count, the latest first. The cookie holds
// "BINDING.TIME" joined by "~"; the time is in Unix seconds.
func boundBefore(r *http.Request, now time.Time) (all []before) {
	for part := range strings.SplitSeq(Cookie(r, "browser-before"), "~") {
		binding, at, _ := strings.Cut(part, ".")
		seconds, err := strconv.ParseInt(at, 10, 64)
		b := before{binding, time.Unix(seconds, 0)}
		if err == nil && len(binding) == bindingLength && len(all) < maxBefore && now.Sub(b.at).Abs() < bindingGrace {
			all = append(all, b)
		}
	}
	return all
}

// renewBinding replaces the browser's binding and keeps the old one for bindingGrace. It does
// nothing for a browser without a binding.
func renewBinding(w http.ResponseWriter, r *http.Request) {
	now, old := time.Now(), Bound(r)
	if old == "" {
		return
	}
	all := append([]before{{old, now}}, boundBefore(r, now)...)
	var parts []string
	for _, b := range all[:min(len(all), maxBefore)] {
		parts = append(parts, b.binding+"."+strconv.FormatInt(b.at.Unix(), 10))
	}
	SetCookie(w, r, "browser-before", strings.Join(parts, "~"), bindingGrace)
	setCookie(w, web.TenantOf(r.Context()), "browser", secret.Token(), 0)
}
