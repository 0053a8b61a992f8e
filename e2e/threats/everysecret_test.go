package threats

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/faultproxy"
	"github.com/vouchsafe/vouchsafe/internal/redistest"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

func secretRows() []row {
	return []row{
		{"O1 N1 every secret of every flow", o1Everything},
		{"O1 secrets of a mail server that is down", o1Mail},
	}
}

// o1Everything sends every secret of every flow through the server, at the most detailed log level,
// and looks for it in everything that the server wrote anywhere, in any encoding.
func o1Everything(t *testing.T, s *vouchsafetest.Server) {
	mails := smtptest.Start(t)
	env := map[string]string{
		"VOUCHSAFE_LOG_LEVEL": "debug", "VOUCHSAFE_SMTP_URL": mails.URL, "VOUCHSAFE_MAIL_FROM": "no-reply@vouchsafe.example",
	}
	var toRedis *faultproxy.Proxy
	if s.Database != "" {
		toRedis = faultproxy.Start(t, redistest.StartServer(t).Address())
		env["VOUCHSAFE_REDIS_URL"] = "redis://" + toRedis.Address + "/0"
	}
	own := vouchsafetest.Start(t,
		vouchsafetest.Options{Production: s.Database != "", Clients: []vouchsafetest.Client{mobile}, Env: env})
	f := &flows{t: t, s: own, api: own.API(t), mails: mails, secrets: secretsOfARun(t, own)}
	f.federate()
	f.all()
	places := map[string]string{}
	if own.Database != "" {
		places["readiness without Redis"] = f.withoutRedis(toRedis)
	}
	maps.Copy(f.secrets, settingsOf(own))
	f.note("secret of the app", mobile.Secret())
	places["answers to errors"], places["answers on the way from a provider"] = f.errors(), f.said.String()
	if own.Database != "" {
		places["answers while the database is down"] = f.down()
		places["Redis"] = redisOf(t, own)
		places["pg_dump"] = pgDump(t, own)
	}
	_, places["metrics"] = own.Ops(t, "/metrics")
	_, places["readiness"] = own.Ops(t, "/readyz")
	places["database"], places["log"] = own.Dump(t), own.Log()
	for name, mark := range map[string]string{"log": `"path":"/auth/confirm-reset"`, "database": "@example.com",
		"metrics": "vouchsafe_", "pg_dump": "@example.com", "answers to errors": "invalid",
		"answers on the way from a provider": "<form"} {
		if text, ok := places[name]; ok && !strings.Contains(text, mark) {
			t.Fatalf("%s: does not hold %s: it was not read rightly", name, mark)
		}
	}
	// A flow is the name of a code's row. The code itself is stored as a MAC of both.
	stored := maps.Clone(f.secrets)
	maps.DeleteFunc(stored, func(name, _ string) bool { return strings.HasPrefix(name, "flow of ") })
	for place, text := range places {
		secrets := f.secrets
		if place == "database" || place == "pg_dump" {
			secrets = stored
		}
		for _, seen := range sightings(secrets, text) {
			t.Errorf("%s: can be seen in the %s", seen, place)
		}
	}
	t.Logf("%d secrets in %d places", len(f.secrets), len(places))
}

// settingsOf returns the secrets among the server's settings.
func settingsOf(s *vouchsafetest.Server) map[string]string {
	out := map[string]string{}
	if master := s.Setting("VOUCHSAFE_SECRET"); master != "" {
		out["master secret"] = master
	} else if raw, err := os.ReadFile(s.Setting("VOUCHSAFE_DATA") + "/secret"); err == nil {
		out["master secret"] = strings.TrimSpace(string(raw))
	}
	if u, err := url.Parse(s.Database); err == nil && s.Database != "" {
		if password, ok := u.User.Password(); ok {
			out["database's password"] = password
		}
		out["database's URL"] = s.Database
		out["Redis's URL"] = s.Setting("VOUCHSAFE_REDIS_URL")
	}
	return out
}

// errors sends secrets to endpoints that do not expect them, one of each kind, and returns all
// answers.
func (f *flows) errors() string {
	var said strings.Builder
	keep := func(r *vouchsafetest.Reply) { _, _ = fmt.Fprintln(&said, r.Status, r.Header, r.Raw) }
	for _, v := range f.kinds() {
		q := url.QueryEscape(v)
		for _, path := range []string{
			"/authorize?i=" + q, "/authorize?client_id=" + "web&redirect_uri=" + url.QueryEscape("https://rp.example/callback") +
				"&response_type=code&prompt=none&id_token_hint=" + q,
			"/logout?id_token_hint=" + q, "/logout?l=" + q, "/logout?r=" + q, "/reset?token=" + q, "/signup/confirm?token=" + q,
			"/setup?token=" + q, "/nowhere?x=" + q,
		} {
			keep(f.api.Do(f.t, f.api.Request(f.t, http.MethodGet, path, "", "")))
		}
		for _, name := range []string{"code", "refresh_token", "client_secret", "client_assertion", "password"} {
			keep(f.api.As(f.t, web.With(vouchsafetest.Client{"client_secret": nil, "token_endpoint_auth_method": "none"}),
				"/token", vouchsafetest.Values("grant_type", "authorization_code", "redirect_uri", "x", name, v)))
		}
		keep(f.api.Form(f.t, "/introspect", url.Values{"token": {v}}))
		keep(f.call("/auth/sign-in", "login", "nobody@example.com", "password", v))
		keep(f.call("/auth/confirm-email", "token", v))
		if !strings.ContainsAny(v, "\x00\r\n") && isASCII(v) {
			req := f.api.Request(f.t, http.MethodGet, "/userinfo", "", "")
			req.Header.Set("Authorization", "Bearer "+v)
			req.Header.Set("X-Request-Id", v)
			keep(f.api.Do(f.t, req))
		}
	}
	return said.String()
}

// kinds returns the secrets, with only one of those that many visits have.
func (f *flows) kinds() map[string]string {
	out := map[string]string{}
	for name, v := range f.secrets {
		kind, _, _ := strings.Cut(strings.TrimSuffix(name, withoutRedis), ", ")
		out[kind] = v
	}
	return out
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > '~' || r < ' ' }) < 0
}

// down does what needs the database while it is away.
func (f *flows) down() string {
	back := f.s.CutDatabase(f.t)
	defer back()
	var said strings.Builder
	for name, v := range f.kinds() {
		if !strings.Contains(name, "refresh") && !strings.Contains(name, "code") && !strings.Contains(name, "password") {
			continue
		}
		for _, r := range []*vouchsafetest.Reply{
			f.api.Renew(f.t, web, v), f.api.As(f.t, web, "/revoke", url.Values{"token": {v}}),
			f.call("/auth/sign-in", "login", "jo@example.com", "password", v),
		} {
			_, _ = fmt.Fprintln(&said, r.Status, r.Header, r.Raw)
		}
	}
	return said.String()
}

func redisOf(t *testing.T, s *vouchsafetest.Server) string {
	t.Helper()
	c := redisClient(t, s)
	ctx := context.Background()
	var out strings.Builder
	n := 0
	for keys := c.Scan(ctx, 0, "*", 1000).Iterator(); keys.Next(ctx); n++ {
		value, err := c.Dump(ctx, keys.Val()).Result()
		if err != nil && err != redis.Nil {
			t.Fatal(err)
		}
		text, _ := c.Get(ctx, keys.Val()).Result() // a text may be packed in its dump
		_, _ = fmt.Fprintln(&out, keys.Val(), value, text)
	}
	if n == 0 {
		t.Fatal("there is nothing in Redis: it was not read rightly")
	}
	return out.String()
}

func pgDump(t *testing.T, s *vouchsafetest.Server) string {
	t.Helper()
	out, err := exec.Command("pg_dump", "--inserts", s.Database).CombinedOutput()
	if err != nil {
		t.Fatalf("pg_dump: %v\n%s", err, out)
	}
	return string(out)
}

// o1Mail: the error about a mail server that cannot be reached does not log the password in its
// URL.
func o1Mail(t *testing.T, s *vouchsafetest.Server) {
	if s.Database != "" {
		return // mail does not depend on the database's kind
	}
	const password = "smtp-canary-7Kq2ZxV9"
	own := vouchsafetest.Start(t, vouchsafetest.Options{Clients: []vouchsafetest.Client{mobile}, Env: map[string]string{
		"VOUCHSAFE_LOG_LEVEL": "debug", "VOUCHSAFE_SMTP_URL": "smtp://vouchsafe:" + password + "@127.0.0.1:1",
		"VOUCHSAFE_MAIL_FROM": "no-reply@vouchsafe.example",
	}})
	f := &flows{t: t, s: own, api: own.API(t), secrets: map[string]string{"password of the mail server": password}}
	f.call("/auth/sign-up", "email", "jo@example.com", "password", f.note("password", "canary password of nobody"))
	deadline(t, "the log does not tell that mail cannot be sent", func() bool {
		return strings.Contains(own.Log(), "127.0.0.1:1")
	})
	_, metrics := own.Ops(t, "/metrics")
	for _, seen := range sightings(f.secrets, own.Log()+metrics) {
		t.Errorf("%s: can be seen", seen)
	}
	for _, seen := range sightings(map[string]string{"password of the mail server": password}, own.Dump(t)) {
		t.Errorf("%s: can be seen in the database", seen)
	}
}
