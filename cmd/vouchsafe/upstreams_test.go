package main

import (
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
)

// With nothing set, users can come from stand-ins for Google and Facebook. With upstreams
// of one's own, or for others than this machine, there are none.
func TestStandInsForProviders(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	r := sh.serve(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	get := func(address string) *http.Response {
		t.Helper()
		resp, err := c.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	enter(t, c, r)
	_, page := r.get(t, "/login")
	for _, kind := range []string{fakeidp.Google, fakeidp.Facebook} {
		if !strings.Contains(page, `href="/upstream/`+kind+`"`) {
			t.Errorf("%s is not offered: %s", kind, page)
		}
	}
	to, _, err := fakeidp.Visit(c, get(r.issuer+"/upstream/google").Header.Get("Location"),
		fakeidp.Person{Name: "Jo Doe", Email: "jo@example.com", Verified: "true"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if resp := get(to); leads(resp) != "/" {
		t.Errorf("got %s to %q", resp.Status, resp.Header.Get("Location"))
	}
	if resp := get(r.issuer + "/account"); resp.StatusCode != http.StatusOK {
		t.Errorf("not signed in: %s", resp.Status)
	}
	to, _, err = fakeidp.Visit(c, get(r.issuer+"/upstream/facebook").Header.Get("Location"),
		fakeidp.Person{Name: "Robin Roe", Email: "robin@example.com"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if resp := get(to); resp.Header.Get("Location") != "/federated/email" { // it says of no address whose it is
		t.Errorf("got %s to %q", resp.Status, resp.Header.Get("Location"))
	}
	r.stop(t)

	sh.file(t, "tenants.yaml", "tenants:\n  default:\n    upstreams: [{id: corp, issuer: "+
		"https://login.example.com, client_id: c}]\n")
	r = sh.serve(t)
	if _, page := r.get(t, "/login"); strings.Contains(page, "fake") || !strings.Contains(page, `href="/upstream/corp"`) {
		t.Errorf("with one of one's own: %s", page)
	}
	r.stop(t)
	sh.file(t, "tenants.yaml", "tenants:\n  default: {}\n")
	sh.env = append(sh.env, "VOUCHSAFE_DEVELOPMENT=false")
	r = sh.serve(t)
	if _, page := r.get(t, "/login"); strings.Contains(page, "/upstream/") {
		t.Errorf("outside development: %s", page)
	}
	if status, _ := r.get(t, "/dev/google/authorize"); status != http.StatusNotFound {
		t.Errorf("outside development: got %d", status)
	}
}
