package login

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/contracttest"
	"github.com/vouchsafe/vouchsafe/login/api"
	"github.com/vouchsafe/vouchsafe/storage"
)

// documented is the OpenAPI document of the JSON API as any reader gets it.
var documented = sync.OnceValue(func() *contracttest.Document {
	d, err := contracttest.Read(api.Reference(""))
	if err != nil {
		panic(err)
	}
	return d
})

// described fails the test if the document has not the answer to a request: its status, its type, or its body.
// Paths that are no path of the document are not looked at.
func described(t testing.TB, method, path string, got said) {
	t.Helper()
	op, ok := documented().Find(method, path)
	if !ok {
		return
	}
	for _, fault := range documented().Judge(op, contracttest.Answer{Status: got.status, Header: got.header,
		Body: strings.TrimSpace(got.raw)}) {
		t.Errorf("%s %s: got %d, which is not as described: %s\n%s", method, path, got.status, fault, got.raw)
	}
}

// TestTheDocumentIsGoodForGenerators: no operation lacks an answer or its content, has a parameter twice or not at all,
// or answers what programs made from the document could not read any more after an addition.
func TestTheDocumentIsGoodForGenerators(t *testing.T) {
	t.Parallel()
	for _, fault := range documented().Faults() {
		t.Error(fault)
	}
}

// TestEveryCallKeepsToTheDocument sends to every call requests that are made from the document, at random but the
// same ones every time, right ones and wrong ones. Each gets an answer that the document has, none is a failure of the
// server, and what breaks the document is refused.
func TestEveryCallKeepsToTheDocument(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil)
	done := map[string]bool{}
	for _, op := range documented().Operations() {
		m := contracttest.Maker{Document: documented(), Rand: rand.New(rand.NewPCG(1, uint64(len(op.ID))))}
		token := ""
		for i := range 20 {
			if i%10 == 0 {
				token = a.furnish(op.ID+strings.Repeat("x", i), &m)
			}
			made := m.Request(op)
			headers := []string{"Content-Type: " + made.Type}
			if op.NeedsToken() {
				headers = append(headers, "Authorization: Bearer "+token)
			}
			got := a.send(a.request(op.Method, made.Path, made.Body, headers...))
			if got.status >= 500 {
				t.Errorf("%s with %s: got %d %s", op.ID, made.Body, got.status, got.raw)
			}
			if got.status < 300 && len(made.Wrong) > 0 {
				t.Errorf("%s with %s: got %d, although %v", op.ID, made.Body, got.status, made.Wrong)
			}
			done[op.ID] = done[op.ID] || got.status < 300
		}
	}
	for _, id := range []string{"signUp", "logout"} {
		if !done[id] {
			t.Errorf("%s: no request has succeeded", id)
		}
	}
}

// furnish adds a user, and has the requests be about them. It returns the user's access token.
func (a *apiSite) furnish(name string, m *contracttest.Maker) string {
	a.t.Helper()
	mail := strings.ToLower(name) + "@example.com"
	a.user(storage.DefaultTenant, mail, "", right)
	got := a.signsIn(fields{"login": mail})
	m.Known = map[string][]string{
		"client_id": {"mobile"}, "login": {mail}, "email": {mail, "new-" + mail}, "password": {right},
		"current_password": {right}, "new_password": {"another fine sentence"}, "scope": {"openid", "openid profile"},
		"token": {got.str("refresh_token")}, "refresh_token": {got.str("refresh_token")},
	}
	return got.str("access_token")
}
