package login

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

func mismatch() *web.Problem {
	return &web.Problem{Status: http.StatusBadRequest, Code: "invalid_request", Message: "problem.bad_request",
		Developer: "redirect_uri is not registered. See `client <list>`.",
		Got:       "https://app.example/Callback",
		Expected:  []string{"https://app.example/callback", "https://app.example/<b>"}, Err: errors.New("secret cause")}
}

// shown is what the error page says to a request with the given Accept header.
func (s *site) shown(p *web.Problem, accept string) answer {
	req := s.request("/x")
	req.Header.Set("Accept", accept)
	return s.failed(req, p)
}

// request is a browser's.
func (s *site) request(path string) *http.Request {
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.Header.Set("Accept", "text/html")
	return req
}

// failed is what the error page says to the request.
func (s *site) failed(req *http.Request, p *web.Problem) answer {
	rec := httptest.NewRecorder()
	s.pages.ErrorPage(rec, req, p)
	return answer{rec.Code, rec.Header(), rec.Body.String()}
}

func TestErrorsTellDevelopersWhatWasWrong(t *testing.T) {
	t.Parallel()
	dev := newSite(t, nil)
	production := newSite(t, func(c *Config) { c.Site.Pages.Development = false })
	p := dev.shown(mismatch(), "text/html,*/*;q=0.8")
	for _, want := range []string{
		english["problem.bad_request"], "invalid_request",
		"redirect_uri is not registered. See <code>client &lt;list&gt;</code>.",
		`https://app.example/<mark class="want">c</mark>allback`, `https://app.example/<mark>C</mark>allback`,
		`<mark class="want">&lt;b&gt;</mark>`, `<mark>Callback</mark>`,
	} {
		if p.status != http.StatusBadRequest || !strings.Contains(p.body, want) {
			t.Errorf("in development: got %d without %q", p.status, want)
		}
	}
	p = production.shown(mismatch(), "text/html")
	if p.status != http.StatusBadRequest || !strings.Contains(p.body, english["problem.bad_request"]) {
		t.Errorf("in production: got %d without the message", p.status)
	}
	for _, never := range []string{"redirect_uri", "app.example", "invalid_request", english["error.dev"]} {
		if strings.Contains(p.body, never) {
			t.Errorf("in production: the page holds %q", never)
		}
	}
	for _, s := range []*site{dev, production} {
		for _, accept := range []string{"", "text/html", "application/json"} {
			if p := s.shown(mismatch(), accept); strings.Contains(p.body, "secret cause") {
				t.Errorf("%q: the cause is shown", accept)
			}
		}
	}
}

func TestErrorsAreJSONForPrograms(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.Site.Pages.Development = false })
	for accept, want := range map[string]bool{
		"application/json": true, "application/problem+json": true, "application/json, */*": true,
		"application/json;q=0.9, text/plain": true,
		"":                                   true, "*/*": true, ";;;": true, // curl, and libraries that say nothing
		"text/html": false, "text/html, application/json": false, "application/json, text/html;q=0.1": false, "text/*": false,
	} {
		p := s.shown(mismatch(), accept)
		if got := p.header.Get("Content-Type") == "application/json"; got != want {
			t.Errorf("%q: got %s", accept, p.header.Get("Content-Type"))
		}
	}
	for status, want := range map[int]string{400: "invalid_request", 404: "invalid_request", 500: "server_error",
		503: "temporarily_unavailable"} {
		var got map[string]any
		if err := json.Unmarshal([]byte(s.shown(&web.Problem{Status: status, Developer: "x"}, "application/json").body),
			&got); err != nil {
			t.Fatal(err)
		}
		if got["error"] != want || got["error_description"] == "" || got["developer"] != nil {
			t.Errorf("%d: got %v", status, got)
		}
	}
}

func TestErrorsAreShownWithoutATenant(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for name, change := range map[string]func(r *http.Request){
		"another host":   func(r *http.Request) { r.Host = "evil.example" },
		"unknown tenant": func(r *http.Request) { r.URL.Path = "/t/unknown/login" },
	} {
		v := s.visitor()
		req, err := http.NewRequest(http.MethodGet, s.url+"/login", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		p := v.do(req)
		if p.status < 400 || !strings.Contains(p.body, "<style>") || strings.Contains(p.body, `href="/`) ||
			strings.Contains(p.body, "evil.example</b>") {
			t.Errorf("%s: got %d", name, p.status)
		}
		if !strings.Contains(p.body, p.header.Get("X-Request-Id")) || p.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: the page does not show the request's id", name)
		}
		// Without an icon of its own browsers ask for /favicon.ico.
		if !strings.Contains(p.body, `<link rel="icon" href="data:`) ||
			!strings.Contains(p.header.Get("Content-Security-Policy"), "img-src data:") {
			t.Errorf("%s: no icon, or one that the policy %q forbids", name, p.header.Get("Content-Security-Policy"))
		}
		if !strings.Contains(p.header.Get("Content-Security-Policy"), styleSource(t)) {
			t.Errorf("%s: got policy %q", name, p.header.Get("Content-Security-Policy"))
		}
	}
}

func TestEveryStatusHasATitle(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, status := range []int{400, 403, 404, 405, 409, 413, 414, 415, 421, 429, 500, 503} {
		p := s.shown(&web.Problem{Status: status}, "text/html")
		if p.status != status || strings.Contains(p.body, "<h1></h1>") || status < 500 &&
			strings.Contains(p.body, english["error.other"]) {
			t.Errorf("%d: got %d, or no title of its own", status, p.status)
		}
	}
}
