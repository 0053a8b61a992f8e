package vouchsafetest

import (
	"encoding/json"
	"net/http"
	"testing"
)

// Try is Do for a server that may be killed meanwhile. It returns nil if no complete answer
// arrived. It may be called from any goroutine.
func (a *API) Try(t testing.TB, req *http.Request) *Reply {
	t.Helper()
	if r, err := a.attempt(t, req); err == nil {
		return r
	}
	return nil
}

// TryToken is Token for a server that may be killed meanwhile.
func (a *API) TryToken(t testing.TB, c Client, pairs ...string) *Reply {
	t.Helper()
	form, basic := authenticate(c, Values(pairs...))
	req := a.Request(t, http.MethodPost, "/token", formType, form.Encode())
	basic(req)
	return a.Try(t, req)
}

// TryRedeem is Redeem for a server that may be killed meanwhile.
func (a *API) TryRedeem(t testing.TB, r *Request, code string) *Reply {
	t.Helper()
	return a.TryToken(t, r.Client, "grant_type", "authorization_code", "code", code,
		"redirect_uri", r.Params.Get("redirect_uri"), "code_verifier", r.Verifier)
}

// TryRenew is Renew for a server that may be killed meanwhile.
func (a *API) TryRenew(t testing.TB, c Client, token string) *Reply {
	t.Helper()
	return a.TryToken(t, c, "grant_type", "refresh_token", "refresh_token", token)
}

// JSON returns a request of an app with screens of its own.
func (a *API) JSON(t testing.TB, path string, body map[string]any) *http.Request {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return a.Request(t, http.MethodPost, path, "application/json", string(text))
}
