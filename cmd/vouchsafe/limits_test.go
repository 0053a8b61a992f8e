package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestWrongClientSecretsAreLimitedAsSet tries wrong secrets of a client until the server refuses to look.
func TestWrongClientSecretsAreLimitedAsSet(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t, "VOUCHSAFE_LIMIT_CLIENT_SECRETS=2/1m")
	sh.do(t, "client", "add", "worker", "--kind", "service")
	r := sh.serve(t)
	for _, want := range []int{http.StatusUnauthorized, http.StatusUnauthorized, http.StatusTooManyRequests} {
		form := strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode())
		req, err := http.NewRequest(http.MethodPost, r.issuer+"/token", form)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth("worker", "guess")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("got %d, want %d", res.StatusCode, want)
		}
	}
}
