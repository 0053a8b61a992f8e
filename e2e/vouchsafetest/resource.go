package vouchsafetest

import (
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// GuardsAPI checks that an API accepts the service client and names it in the answer, and that it
// refuses requests whose token is missing, has a wrong signature, or is meant for another API.
func (s *Server) GuardsAPI(t testing.TB, target, id, secret, scope string) {
	t.Helper()
	token := s.serviceToken(t, id, secret)
	signature := token[strings.LastIndexByte(token, '.')+1:]
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"no token": {"", http.StatusUnauthorized},
		"a token whose signature is off": {strings.TrimSuffix(token, signature) + strings.Repeat("A", len(signature)),
			http.StatusUnauthorized},
		"a token for another API": {s.otherToken(t, scope, "https://elsewhere.example.com"), http.StatusUnauthorized},
		"the token":               {token, http.StatusOK},
	} {
		status, body := call(t, target, c.token)
		if status != c.want {
			t.Errorf("with %s the API answers %d %s, want %d", name, status, body, c.want)
		}
		if c.want == http.StatusOK && !strings.Contains(body, id) {
			t.Errorf("the API says %q, want the caller %q in it", body, id)
		}
	}
}

// CallsAPI calls an API as a new service client whose tokens have that scope and audience, and
// returns the status.
func (s *Server) CallsAPI(t testing.TB, target, scope, audience string) (status int) {
	t.Helper()
	status, _ = call(t, target, s.otherToken(t, scope, audience))
	return status
}

// otherToken returns an access token of a new service client.
func (s *Server) otherToken(t testing.TB, scope, audience string) string {
	t.Helper()
	id, secret := "other-"+strings.ToLower(rand.Text()), "vcs_"+rand.Text()
	s.Command(t, secret+"\n", "client", "add", id, "--kind", "service", "--scope", scope, "--audience",
		audience, "--secret-stdin")
	return s.serviceToken(t, id, secret)
}

// serviceToken returns an access token that the client gets for itself.
func (s *Server) serviceToken(t testing.TB, id, secret string) string {
	t.Helper()
	reply := s.API(t).Token(t, Client{"client_id": id, "client_secret": secret}, "grant_type", "client_credentials")
	return reply.Want(t, http.StatusOK, "").Access()
}

// call requests a URL with a bearer token, or without one if token is "".
func call(t testing.TB, target, token string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json, text/plain, */*")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
