package threats

import (
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func storageRows() []row {
	return []row{
		{"N1 a dump of the database", n1},
		{"N2 SQL in parameters", n2},
		{"N2 no secret, no start", n2Secret},
		{"N8 file modes", n8},
	}
}

// n1 sends every kind of secret through the server, and looks for them in everything that it
// stored.
func n1(t *testing.T, s *vouchsafetest.Server) {
	own := vouchsafetest.Start(t, vouchsafetest.Options{Production: s.Database != ""})
	secrets := secretsOfARun(t, own)
	dump := own.Dump(t)
	if !strings.Contains(dump, "jo@example.com") {
		t.Fatal("the dump does not hold what it should: it was not read rightly")
	}
	for name, v := range secrets {
		if strings.Contains(dump, v) {
			t.Errorf("the database holds the %s in clear", name)
		}
	}
	for _, mark := range []string{"PRIVATE KEY", `"d":"`} {
		if strings.Contains(dump, mark) {
			t.Errorf("the database holds a private key in clear: %s", mark)
		}
	}
}

// secretsOfARun signs in, gets and redeems tokens, and returns all values that other users must not
// see.
func secretsOfARun(t *testing.T, s *vouchsafetest.Server) map[string]string {
	t.Helper()
	b, api := jo(t, s), s.API(t)
	r := vouchsafetest.NewRequest(web, "scope", "openid email offline_access")
	page := b.Get(t, r.Path())
	letter := page.URL.Query().Get("i")
	a := b.Walk(t, r, page)
	unused := vouchsafetest.NewRequest(web)
	unusedCode := b.Code(t, unused)
	first := api.Redeem(t, r, a.Code()).Want(t, 200, "")
	second := api.Renew(t, web, first.Refresh()).Want(t, 200, "")
	api.Userinfo(t, second.Access())
	api.Active(t, web, second.Access())
	opaque := tokens(t, s, b, vouchsafetest.NewRequest(vouchsafetest.Opaque))
	api.Userinfo(t, opaque.Access())
	k := vouchsafetest.Keyed()[0]
	assertion := k.Assertion(t, s.AssertionClaims(k.ID()))
	api.ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read").Want(t, 200, "")
	service := api.Token(t, vouchsafetest.Service, "grant_type", "client_credentials").Want(t, 200, "")
	revoked := api.Token(t, vouchsafetest.Service, "grant_type", "client_credentials").Want(t, 200, "")
	api.As(t, vouchsafetest.Service, "/revoke", url.Values{"token": {revoked.Access()}})
	// Failures are logged in more detail.
	api.Redeem(t, r, a.Code()).WantNot(t)
	api.Renew(t, web, first.Refresh()).WantNot(t)
	api.Token(t, web.With(vouchsafetest.Client{"client_secret": "a-wrong-secret-canary-1"}), "grant_type",
		"client_credentials").WantNot(t)
	wrong := s.Browser(t, vouchsafetest.Person{Email: b.Person.Email, Password: "a-wrong-password-canary-2"})
	wrong.SignIn(t, wrong.Get(t, vouchsafetest.NewRequest(web).Path()), wrong.Person)
	api.Userinfo(t, "a-wrong-token-canary-3")
	b.Get(t, "/authorize?i=a-wrong-letter-canary-4&code=canary-5-in-a-query")
	out := map[string]string{
		"sealed request": letter, "code": a.Code(), "unused code": unusedCode, "code verifier": r.Verifier,
		"access token": first.Access(), "second access token": second.Access(), "refresh token": first.Refresh(),
		"second refresh token": second.Refresh(),
		"ID token":             first.ID(), "opaque token": opaque.Access(), "client credentials token": service.Access(),
		"revoked token":    revoked.Access(),
		"client assertion": assertion, "password": b.Person.Password, "client secret": web.Secret(),
		"another client's secret": vouchsafetest.Service.Secret(),
		"wrong client secret":     "a-wrong-secret-canary-1", "wrong password": "a-wrong-password-canary-2",
		"wrong token":  "a-wrong-token-canary-3",
		"wrong letter": "a-wrong-letter-canary-4", "query": "canary-5-in-a-query",
	}
	for _, c := range b.Cookies() {
		for i, part := range strings.FieldsFunc(c.Value, func(r rune) bool { return r == '.' || r == '~' }) {
			if len(part) > 36 { // ids may be known, they are not secret
				out["cookie "+c.Name+" part "+string(rune('1'+i))] = part
			}
		}
	}
	return out
}

func n2(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	for _, sql := range []string{"' OR '1'='1", "'; DROP TABLE users; --", `" OR ""="`, "1; SELECT pg_sleep(10)",
		"\\'; --", "%' --", "' UNION SELECT 1 --", "$1", "web'/**/--"} {
		login := b.Get(t, vouchsafetest.NewRequest(web).Path())
		if page := b.SignIn(t, login, vouchsafetest.Person{Email: sql, Password: sql}); page.Left != nil {
			t.Errorf("%q signed in", sql)
		}
		wantPage(t, b.Authorize(t, vouchsafetest.NewRequest(web, "client_id", sql)), 400)
		c := web.With(vouchsafetest.Client{"client_id": sql, "client_secret": sql})
		api.Token(t, c, "grant_type", "client_credentials").WantNot(t)
		api.Renew(t, web, sql).WantNot(t)
		if api.Active(t, web, sql) {
			t.Errorf("%q is called active", sql)
		}
		page := b.Get(t, "/t/"+url.PathEscape(sql)+"/.well-known/openid-configuration")
		if page.Status != http.StatusNotFound && page.Status != http.StatusBadRequest {
			t.Errorf("tenant %q: got %d, want 404", sql, page.Status)
		}
	}
	tokens(t, s, b, vouchsafetest.NewRequest(web))
}

func n2Secret(t *testing.T, s *vouchsafetest.Server) {
	if s.Database == "" {
		return // it makes its own
	}
	for _, secret := range []string{"", "short", strings.Repeat("a", 64), "changeme"} {
		_, err := vouchsafetest.TryStart(t,
			vouchsafetest.Options{Production: true, Env: map[string]string{"VOUCHSAFE_SECRET": secret}})
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), "secret") {
			t.Errorf("secret %q: got %v, want a refusal that names it", secret, err)
		}
	}
}

func n8(t *testing.T, s *vouchsafetest.Server) {
	if s.Database != "" {
		return // no files
	}
	count := 0
	err := filepath.WalkDir(filepath.Join(s.Dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if !d.IsDir() {
			count++
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, want it to be its owner's alone", filepath.Base(path), info.Mode())
		}
		return nil
	})
	if err != nil || count < 2 {
		t.Errorf("got %d files: %v, want the database and the master secret", count, err)
	}
}
