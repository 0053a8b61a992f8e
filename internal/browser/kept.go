package browser

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// MaxKept is the longest value that browsers surely keep.
const MaxKept = 3600

// Keep has the browser keep a value for a while; "" lets it go. What it brings back is
// whatever it likes: seal what matters.
func Keep(w http.ResponseWriter, r *http.Request, name, value string, life time.Duration) {
	age := int(life / time.Second)
	if value == "" {
		age = -1
	}
	setCookie(w, web.TenantOf(r.Context()), name, value, age)
}

// Kept is what the browser kept by that name, or "".
func Kept(r *http.Request, name string) string {
	c, err := r.Cookie(cookieName(web.TenantOf(r.Context()), name))
	if err != nil {
		return ""
	}
	return c.Value
}
