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
	bindingLength = 43 // of secret.Token
	// bindingGrace is for how long a binding that was replaced still ties what was begun under
	// it to the browser: other tabs go on with their sign-ins.
	bindingGrace = time.Hour
	// maxBefore bounds the bindings that were replaced.
	maxBefore = 4
)

// Binding is the value that ties an authorization request to this browser; it is
// made when the browser has none yet. Every proof and every sign-out gives the browser
// another, so that who saw one before cannot tell what is tied to the browser from then on.
func Binding(w http.ResponseWriter, r *http.Request) string {
	if b := Bound(r); b != "" {
		return b
	}
	b := secret.Token()
	setCookie(w, web.TenantOf(r.Context()), "browser", b, 0)
	return b
}

// Bound is the browser's Binding, or "" when it has none.
func Bound(r *http.Request) string {
	c, err := r.Cookie(cookieName(web.TenantOf(r.Context()), "browser"))
	if err != nil || len(c.Value) != bindingLength {
		return ""
	}
	return c.Value
}

// Bindings are those under which something that comes back now may have begun: the browser's
// own, and those that it had until a proof or a sign-out in the last hour.
func Bindings(r *http.Request) (all []string) {
	if bound := Bound(r); bound != "" {
		all = append(all, bound)
	}
	for _, b := range boundBefore(r, time.Now()) {
		all = append(all, b.binding)
	}
	return all
}

// Began says whether match knows one of the Bindings.
func Began(r *http.Request, match func(binding string) bool) bool {
	return slices.ContainsFunc(Bindings(r), match)
}

// before is a binding that was replaced.
type before struct {
	binding string
	at      time.Time
}

// boundBefore are the bindings that were replaced and still count, the last first. The
// cookie holds "binding.time" joined by "~", the time in seconds.
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

// renewBinding gives a browser that is bound another binding.
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
