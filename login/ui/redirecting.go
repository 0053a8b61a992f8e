package ui

import (
	"net/http"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
)

// redirectLife is how long a browser has to follow a redirect with a cookie that is for its page.
const redirectLife = 2 * time.Minute

// forRedirect is the part of a sealed cookie that binds it to the browser that is being redirected, for a short time.
type forRedirect struct {
	Browser string
	Until   int64 // when the cookie expires (Unix seconds)
}

// redirecting returns what binds a cookie to the browser of the request.
func redirecting(w http.ResponseWriter, r *http.Request) forRedirect {
	return forRedirect{nameOfBrowser(browser.Binding(w, r)), time.Now().Add(redirectLife).Unix()}
}

// arrives reports whether the request comes from the browser that was redirected, in time.
func (f forRedirect) arrives(r *http.Request) bool {
	return time.Now().Unix() <= f.Until && slices.ContainsFunc(browser.Bindings(r), func(binding string) bool {
		return nameOfBrowser(binding) == f.Browser
	})
}
