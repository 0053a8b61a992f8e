package login

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// visitor is a browser without scripts.
type visitor struct {
	*site
	client *http.Client
	base   string // the tenant's path
	form   string // the token of the last page
	about  string // the session that the last page of the account was about
}

func (s *site) visitor() *visitor {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client := s.srv.Client()
	return &visitor{site: s, client: &http.Client{
		Transport: client.Transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// location is where the answer redirects to.
func (p answer) location() string { return p.header.Get("Location") }

// outcome is the page that the answer leads to, or its status.
func (p answer) outcome() string {
	if to, _, _ := strings.Cut(p.leads(), "?"); to != "" {
		return to
	}
	return strconv.Itoa(p.status)
}

// outcome is that of a response whose body nothing needs.
func (s *site) outcome(resp *http.Response) string {
	s.t.Helper()
	_ = resp.Body.Close()
	if refused := s.refusal(resp); refused.Status != 0 {
		return strconv.Itoa(refused.Status)
	}
	return answer{status: resp.StatusCode, header: resp.Header}.outcome()
}

// leads is where the answer sends a browser, which asks for a page there: "" for nowhere.
func (p answer) leads() string {
	if p.status != http.StatusSeeOther {
		return ""
	}
	return p.location()
}

func (v *visitor) do(req *http.Request) answer {
	v.t.Helper()
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8") // a browser's
	}
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if m := formField.FindSubmatch(body); m != nil {
		v.form = html.UnescapeString(string(m[1]))
	}
	if m := sessionField.FindSubmatch(body); m != nil {
		v.about = string(m[1])
	}
	p := answer{resp.StatusCode, resp.Header, string(body)}
	if slices.ContainsFunc(resp.Cookies(), func(c *http.Cookie) bool { return isRefused(c) && c.Value != "" }) {
		return v.refused(p)
	}
	return p
}

// refusal returns why the form was refused that a response answers, for tests that send many at once.
func (s *site) refusal(resp *http.Response) (refused ui.Refused) {
	s.t.Helper()
	for _, c := range resp.Cookies() {
		if !isRefused(c) || c.Value == "" {
			continue
		}
		plain, err := s.login.Secrets.Box(storage.DefaultTenant, secret.RefusedForm).OpenString(c.Value)
		if err != nil || json.Unmarshal(plain, &refused) != nil {
			s.t.Errorf("the cookie of a refused form: %v, %s", err, plain)
		}
	}
	return refused
}

// isRefused reports whether a cookie says why a form was refused.
func isRefused(c *http.Cookie) bool { return strings.Contains(c.Name, "vouchsafe-refused") }

// refused follows the redirect that answers a refused form. The page there takes the cookie, so that it says
// what is wrong once.
func (v *visitor) refused(p answer) answer {
	v.t.Helper()
	to := p.leads()
	if to == "" || p.body != "" {
		v.t.Errorf("a refused form is answered with %d, which leads to %q: %s", p.status, to, p.body)
	}
	page := v.get(strings.TrimPrefix(to, v.base))
	if page.status < 400 || v.cookie("refused") != "" {
		v.t.Errorf("after a refusal, %s has status %d, and leaves the cookie %q", to, page.status, v.cookie("refused"))
	}
	return page
}

func (v *visitor) get(path string) answer {
	v.t.Helper()
	req, err := http.NewRequest(http.MethodGet, v.url+v.base+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(req)
}

// request is a form as a browser sends it, from pairs of names and values.
func (v *visitor) request(path string, fields ...string) *http.Request {
	v.t.Helper()
	values := url.Values{}
	if v.form != "" {
		values.Set("form", v.form)
	}
	if v.about != "" {
		values.Set("session", v.about)
	}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	req, err := http.NewRequest(http.MethodPost, v.url+v.base+path, strings.NewReader(values.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", v.url)
	return req
}

func (v *visitor) post(path string, fields ...string) answer {
	v.t.Helper()
	return v.do(v.request(path, fields...))
}

// signIn opens the sign-in page and fills it in.
func (v *visitor) signIn(login, secret string) answer {
	v.t.Helper()
	v.get("/login?other=1")
	return v.post("/login", "login", login, "password", secret)
}

// plant gives the browser cookies that it was never sent.
func (v *visitor) plant(cookies ...*http.Cookie) {
	v.t.Helper()
	u, err := url.Parse(v.url)
	if err != nil {
		v.t.Fatal(err)
	}
	v.client.Jar.SetCookies(u, cookies)
}

// cookie is what the browser holds of a cookie of ours.
func (v *visitor) cookie(name string) string {
	v.t.Helper()
	u, err := url.Parse(v.url)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(u) {
		if strings.HasSuffix(c.Name, "vouchsafe-"+name) {
			return c.Value
		}
	}
	return ""
}
