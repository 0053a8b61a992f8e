package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

func showStatus(w http.ResponseWriter, r *http.Request, p *web.Problem) { w.WriteHeader(p.Status) }

func TestOneLineForEachRequest(t *testing.T) {
	var log bytes.Buffer
	edge := &web.Edge{Log: slog.New(slog.NewTextHandler(&log, nil)), Errors: showStatus}
	h := edge.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.Note(r.Context(), "client", "app")
		switch r.URL.Path {
		case "/panic":
			panic("oops")
		case "/late":
			w.WriteHeader(http.StatusOK)
			panic("oops")
		}
	}))
	for path, status := range map[string]int{"/ok": 200, "/panic": 500, "/late": 200} {
		log.Reset()
		r := httptest.NewRequest(http.MethodGet, path+"?code=secret&state=x", nil)
		r.Header.Set("X-Request-Id", "made-up\nby the client")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		id := w.Header().Get("X-Request-Id")
		if w.Code != status || len(id) != 36 {
			t.Errorf("%s: got %d with id %q", path, w.Code, id)
		}
		var lines int
		for line := range strings.Lines(log.String()) {
			if !strings.Contains(line, "msg=request") {
				continue
			}
			lines++
			if !strings.Contains(line, "request_id="+id) || !strings.Contains(line, fmt.Sprintf("status=%d", status)) ||
				!strings.Contains(line, "client=app") {
				t.Errorf("%s: got %s", path, line)
			}
		}
		if lines != 1 || strings.Contains(log.String(), "secret") || strings.Contains(log.String(), "made-up") {
			t.Errorf("%s: got log\n%s", path, log.String())
		}
	}
}

func TestTenantsAreFound(t *testing.T) {
	store, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []storage.Tenant{{ID: "acme"}, {ID: "host", Host: "login.host.example"},
		{ID: "off", Disabled: true}, {ID: "offhost", Host: "off.example", Disabled: true}} {
		if err := store.AddTenant(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	tenancy, err := web.NewTenancy("https://id.example", store, showStatus)
	if err != nil {
		t.Fatal(err)
	}
	h := tenancy.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant := web.TenantOf(r.Context())
		fmt.Fprintf(w, "%s %s %s", tenant.ID, tenant.Issuer, r.URL.Path)
	}))
	const metadata, openid = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	for _, test := range []struct {
		host, path string
		status     int
		want       string
	}{
		{"id.example", "/token", 200, "default https://id.example /token"},
		{"ID.example:443", "/", 200, "default https://id.example /"},
		{"login.host.example:443", "/token", 200, "host https://login.host.example /token"},
		{"id.example", openid + "/t/acme", 200, "acme https://id.example/t/acme " + openid},
		{"id.example", openid + "/t/acme/", 200, "acme https://id.example/t/acme " + openid},
		{"id.example", "/t/acme" + openid, 200, "acme https://id.example/t/acme " + openid},
		{"id.example", openid + "/t/off", 404, ""},
		{"id.example", openid + "/t/acme/x", 200, "acme https://id.example/t/acme /x" + openid},
		{"id.example", "/%6cogin", 404, ""}, // spelt around a proxy's rules
		{"id.example", "/login%2fpasskey", 404, ""},
		{"id.example", "/t%2facme/login", 404, ""},
		{"id.example", "/t/acme%2flogin", 404, ""},
		{"id.example", "/t/%61cme/login", 404, ""},
		{"id.example", "/t/acme/%6Cogin", 404, ""},
		{"login.host.example", "/%74oken", 404, ""},
		{"id.example", "/%2e%2e/token", 404, ""},
		{"login.host.example:80", "/token", 421, ""},
		{"id.example", "/t/acme/token", 200, "acme https://id.example/t/acme /token"},
		{"id.example", "/t/acme", 200, "acme https://id.example/t/acme /"},
		{"id.example", "/t/acme/t/acme/x", 200, "acme https://id.example/t/acme /t/acme/x"},
		{"id.example", metadata, 200, "default https://id.example " + metadata},
		{"id.example", metadata + "/t/acme", 200, "acme https://id.example/t/acme " + metadata},
		{"login.host.example", "/token", 200, "host https://login.host.example /token"},
		{"LOGIN.HOST.EXAMPLE", "/t/acme/token", 200, "host https://login.host.example /t/acme/token"},
		{"id.example", "/t/default/token", 404, ""}, // each has one URL
		{"id.example", "/t/host/token", 404, ""},
		{"id.example", "/t/unknown/token", 404, ""},
		{"id.example", "/t/", 404, ""},
		{"id.example", "/t/off/token", 404, ""},
		{"id.example", "/t/ACME/token", 404, ""},
		{"id.example", metadata + "/t/off", 404, ""},
		{"off.example", "/", 404, ""},
		{"evil.example", "/", 421, ""},
		{"id.example.evil.example", "/", 421, ""},
		{"id.example:8443", "/", 421, ""},
		{"id.example:80", "/", 421, ""},
		{"", "/", 421, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "https://id.example"+test.path, nil)
		r.Host = test.host
		r.Header.Set("X-Forwarded-Host", "login.host.example")
		r.Header.Set("Forwarded", "host=login.host.example")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.status || w.Body.String() != test.want {
			t.Errorf("%s%s: got %d %q, want %d %q", test.host, test.path, w.Code, w.Body.String(), test.status, test.want)
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); (got == "*") != (w.Code != 200) {
			t.Errorf("%s%s: got %d with Access-Control-Allow-Origin %q", test.host, test.path, w.Code, got)
		}
	}
	if web.FindTenant(t.Context()) != nil {
		t.Error("a tenant where there is none")
	}
}

func TestIssuersThatCannotBe(t *testing.T) {
	for _, issuer := range []string{"", "id.example", "ftp://id.example", "https://", "https://id.example/",
		"https://id.example/x", "https://id.example?x=1", "https://id.example#x", "https://u@id.example",
		"https://id.example:x", "https://id.example:443", "http://localhost:80", "https://ID.example",
		"https://bücher.example", "https://*.example"} {
		if _, err := web.NewTenancy(issuer, nil, nil); err == nil {
			t.Errorf("%q was taken", issuer)
		}
	}
}

func TestErrorsAtTheDoor(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
		retry  string
	}{
		{&web.Problem{Status: 404}, 404, ""},
		{fmt.Errorf("deep: %w", &web.Problem{Status: 429, RetryAfter: 90 * time.Second}), 429, "90"},
		{fmt.Errorf("read: %w", storage.ErrUnavailable), 503, "1"},
		{context.DeadlineExceeded, 503, "1"},
		{storage.ErrNotFound, 500, ""},
		{errors.New("anything"), 500, ""},
		{&http.MaxBytesError{Limit: 1}, 413, ""},
	} {
		w := httptest.NewRecorder()
		web.Handler(showStatus, func(http.ResponseWriter, *http.Request) error { return test.err }).ServeHTTP(w,
			httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != test.status || w.Header().Get("Retry-After") != test.retry {
			t.Errorf("%v: got %d, Retry-After %q, want %d, %q", test.err, w.Code, w.Header().Get("Retry-After"),
				test.status, test.retry)
		}
	}
	for d, want := range map[time.Duration]string{0: "1", time.Millisecond: "1", time.Second: "1",
		1001 * time.Millisecond: "2", time.Hour: "3600"} {
		if got := web.RetryAfter(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}
