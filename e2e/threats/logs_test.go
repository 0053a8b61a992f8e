package threats

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func logRows() []row {
	return []row{
		{"O1 secrets in logs and metrics", o1},
		{"O2 log injection", o2},
		{"O3 the audit trail", o3},
	}
}

// deadline waits for what another process or a cache needs a moment for.
func deadline(t *testing.T, otherwise string, done func() bool) {
	t.Helper()
	within(t, 30*time.Second, otherwise, done)
}

// within is deadline for what takes longer on a slow machine.
func within(t *testing.T, d time.Duration, otherwise string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Error(otherwise)
			return
		}
	}
}

func o1(t *testing.T, s *vouchsafetest.Server) {
	own := vouchsafetest.Start(t,
		vouchsafetest.Options{Production: s.Database != "", Env: map[string]string{"VOUCHSAFE_LOG_LEVEL": "debug"}})
	secrets := secretsOfARun(t, own)
	if master := own.Setting("VOUCHSAFE_SECRET"); master != "" {
		secrets["master secret"] = master
	}
	_, metrics := own.Ops(t, "/metrics")
	_, ready := own.Ops(t, "/readyz")
	log := own.Log()
	if !strings.Contains(log, `"path":"/token"`) {
		t.Fatal("the log has no line for /token: it was not read rightly")
	}
	for name, v := range secrets {
		for where, text := range map[string]string{"log": log, "metrics": metrics, "readiness": ready} {
			if strings.Contains(text, v) {
				t.Errorf("the %s stands in the %s", name, where)
			}
		}
	}
	if strings.Contains(log, "jo@example.com") {
		t.Error("the log holds a person's address")
	}
	// Error pages and errors contain no secret either.
	b, api := jo(t, own), own.API(t)
	for name, v := range secrets {
		page := b.Get(t, "/authorize?client_id=web&redirect_uri="+url.QueryEscape("https://evil.example/")+"&id_token_hint="+
			url.QueryEscape(v))
		reply := api.Renew(t, web, v)
		if strings.Contains(page.Body, v) || strings.Contains(reply.Raw, v) {
			t.Errorf("an error repeats the %s", name)
		}
	}
}

func o2(t *testing.T, s *vouchsafetest.Server) {
	b, api := jo(t, s), s.API(t)
	const payload = "x\r\n{\"level\":\"ERROR\",\"msg\":\"forged-line\"}\n\x1b[31mred"
	wantPage(t, b.Authorize(t, vouchsafetest.NewRequest(web, "client_id", payload)), 400)
	b.SignIn(t, b.Get(t, vouchsafetest.NewRequest(web).Path()), vouchsafetest.Person{Email: payload, Password: payload})
	api.Token(t, web.With(vouchsafetest.Client{"client_id": payload}), "grant_type", payload).WantNot(t)
	req := api.Request(t, http.MethodGet, "/"+url.PathEscape(payload), "", "")
	req.Header.Set("X-Request-Id", "forged-id")
	if reply := api.Do(t, req); reply.Header.Get("X-Request-Id") == "forged-id" {
		t.Error("the request's id is what the sender said")
	}
	raw(t, s, "GET /x HTTP/1.1\r\nHost: localhost\r\nUser-Agent: \x1b[31mred\r\nX-Forwarded-For: \x1b[31m1.2.3.4\r\n"+
		"Connection: close\r\n\r\n")
	for line := range strings.Lines(s.Log()) {
		if strings.HasPrefix(line, `{"level":"ERROR","msg":"forged-line"`) || strings.Contains(line, "\x1b") {
			t.Errorf("a forged line: %q", line)
		}
		if strings.HasPrefix(line, "{") && !json.Valid([]byte(line)) {
			t.Errorf("a line that is no JSON: %q", line)
		}
	}
}

func o3(t *testing.T, s *vouchsafetest.Server) {
	own := vouchsafetest.Start(t, vouchsafetest.Options{Production: s.Database != ""})
	b, api := jo(t, own), own.API(t)
	b.SignIn(t, b.Get(t, vouchsafetest.NewRequest(web).Path()),
		vouchsafetest.Person{Email: b.Person.Email, Password: "wrong password"})
	first := tokens(t, own, b, vouchsafetest.NewRequest(web))
	third := api.Renew(t, web, api.Renew(t, web, first.Refresh()).Want(t, 200, "").Refresh()).Want(t, 200, "")
	api.Renew(t, web, first.Refresh()).Want(t, 400, "invalid_grant")
	wantDead(t, own, web, third)
	r := vouchsafetest.NewRequest(web)
	code := b.Code(t, r)
	api.Redeem(t, r, code).Want(t, 200, "")
	api.Redeem(t, r, code).Want(t, 400, "invalid_grant")
	own.Command(t, "", "user", "disable", b.Person.Email)
	trail := own.Dump(t)
	for _, kind := range []string{"login.succeeded", "login.failed", "refresh.reused", "code.reused",
		"client.", "user.disabled"} {
		if !strings.Contains(trail, kind) {
			t.Errorf("no event %s in the audit trail", kind)
		}
	}
}
