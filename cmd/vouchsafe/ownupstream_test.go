package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Vouchsafe can be its own upstream: a tenant's people come in at another tenant by what
// any OpenID provider has.
func TestATenantAsAnUpstream(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	r := sh.serve(t)
	sh.do(t, "tenant", "add", "acme")
	var made struct {
		Secret string `json:"client_secret"`
	}
	sh.read(t, &made, "client", "add", "front", "--tenant", "acme", "--kind", "web", "--redirect-uri",
		r.issuer+"/upstream/acme/callback", "--json")
	if _, errs, code := sh.run(t, "correct horse battery staple", "user", "add", "jo@example.com", "--tenant", "acme",
		"--name", "Jo Doe", "--verified", "--password-stdin"); code != 0 {
		t.Fatal(errs)
	}
	sh.file(t, "tenants.yaml", "tenants:\n  default:\n    upstreams: [{id: acme, issuer: \""+r.issuer+
		"/t/acme\", client_id: front, client_secret: "+made.Secret+"}]\n")
	sh.do(t, "tenant", "apply", "tenants.yaml")

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	var page *url.URL
	open := func(resp *http.Response, err error) map[string]string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %s %s", resp.Request.URL, resp.Status, body)
		}
		page = resp.Request.URL
		fields := map[string]string{}
		z := html.NewTokenizer(strings.NewReader(string(body)))
		for z.Next() != html.ErrorToken {
			at := map[string]string{}
			for _, a := range z.Token().Attr {
				at[a.Key] = a.Val
			}
			if at["type"] == "hidden" {
				fields[at["name"]] = at["value"]
			}
		}
		return fields
	}
	post := func(path string, fields map[string]string, more ...string) map[string]string {
		t.Helper()
		form := url.Values{}
		for name, value := range fields {
			form.Set(name, value)
		}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		req, err := http.NewRequest(http.MethodPost, r.issuer+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", r.issuer)
		return open(c.Do(req))
	}
	eventually(t, "the upstream is offered", func() bool {
		_, body := r.get(t, "/login")
		return strings.Contains(body, `href="/upstream/acme"`)
	})
	fields := open(c.Get(r.issuer + "/upstream/acme"))
	if page.Path != "/t/acme/login" {
		t.Fatalf("sent to %s", page)
	}
	fields = post("/t/acme/login", fields, "login", "jo@example.com", "password", "correct horse battery staple")
	if page.Path == "/t/acme/consent" {
		post("/t/acme/consent", fields, "answer", "allow")
	}
	if page.Path != "/account" {
		t.Fatalf("ended at %s", page)
	}
	resp, err := c.Get(r.issuer + "/account")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "Jo Doe") ||
		!strings.Contains(string(body), "jo@example.com") {
		t.Errorf("got %s, %v", body, err)
	}
}
