package ui

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
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

// sentOnce are secrets of a user on the way to the one page that shows them once.
type sentOnce struct {
	User  string // id
	Codes []string
	forRedirect
}

// sendOnce gives the browser secrets in a cookie, for the page to which it is being redirected.
func sendOnce(w http.ResponseWriter, r *http.Request, cookie string, box *secret.Box, sent sentOnce) error {
	sent.forRedirect = redirecting(w, r)
	plain, err := json.Marshal(sent)
	if err != nil {
		return err
	}
	browser.SetCookie(w, r, cookie, box.SealString(plain), redirectLife)
	return nil
}

// takeOnce returns the secrets that sendOnce gave the browser for the user, and has it forget them; nil for none.
func takeOnce(w http.ResponseWriter, r *http.Request, cookie string, box *secret.Box, u storage.User) []string {
	sealed := browser.Cookie(r, cookie)
	if sealed == "" || r.Method != http.MethodGet {
		return nil
	}
	browser.SetCookie(w, r, cookie, "", 0)
	var sent sentOnce
	plain, err := box.OpenString(sealed)
	if err != nil || json.Unmarshal(plain, &sent) != nil || sent.User != u.ID || !sent.arrives(r) {
		return nil
	}
	return sent.Codes
}
