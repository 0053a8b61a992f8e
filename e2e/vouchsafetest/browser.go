package vouchsafetest

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// Browser is a browser without scripts: it has cookies, redirects and forms. It has an address of
// its own, as users have, so that limits per address do not connect tests.
type Browser struct {
	Server *Server
	// Person is the user who signs in when a page asks for it.
	Person Person
	// Deny makes the user refuse consent.
	Deny bool
	// Header is sent with every request.
	Header http.Header
	client *http.Client
	roams  bool     // whether it follows redirects to other sites
	at     *url.URL // the page that it shows; nil for a page of the server
}

// Browser returns a new browser that the user uses.
func (s *Server) Browser(t testing.TB, p Person) *Browser {
	t.Helper()
	c := s.client(address())
	t.Cleanup(c.CloseIdleConnections)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Jar = jar
	return &Browser{Server: s, Person: p, client: c, Header: http.Header{}}
}

// At returns the same browser with its connections going to another replica.
func (b *Browser) At(t testing.TB, replica *Server) *Browser {
	c := replica.client(address())
	t.Cleanup(c.CloseIdleConnections)
	c.Jar = b.client.Jar
	return &Browser{Server: replica, Person: b.Person, client: c, Header: b.Header}
}

// address returns a random address of this machine's 16 million.
func address() net.IP {
	ip := make(net.IP, 4)
	binary.BigEndian.PutUint32(ip, 127<<24|1<<16+rand.Uint32N(1<<24-1<<17))
	return ip
}

// Hop is one answer on the way to a page.
type Hop struct {
	Method string
	URL    *url.URL
	Status int
	Header http.Header
}

// Leads returns where the answer sends the browser, or "".
func (h Hop) Leads() string { return Leads(h.Status, h.Header) }

// Leads returns where an answer of this status sends a browser with GET, or "".
func Leads(status int, h http.Header) string {
	if status != http.StatusSeeOther {
		return ""
	}
	return h.Get("Location")
}

// Page is the page at which the browser has arrived.
type Page struct {
	Hop
	Body string
	// Left is the URL of another site to which the last answer redirects. It is not followed.
	Left *url.URL
	// Trail are all answers on the way, including the last.
	Trail []Hop
}

// Paths returns the paths of the pages on the way.
func (p *Page) Paths() []string {
	var out []string
	for _, h := range p.Trail {
		out = append(out, h.URL.Path)
	}
	return out
}

// Get opens a URL or a path of the server, and follows redirects within the site.
func (b *Browser) Get(t testing.TB, target string) *Page {
	t.Helper()
	return b.follow(t, b.request(t, http.MethodGet, target, nil, "none"), nil)
}

// Post posts a form of a page of the server.
func (b *Browser) Post(t testing.TB, target string, form url.Values) *Page {
	t.Helper()
	return b.follow(t, b.request(t, http.MethodPost, target, form, "same-origin"), nil)
}

// PostFrom posts a form of a page of another site.
func (b *Browser) PostFrom(t testing.TB, origin, target string, form url.Values) *Page {
	t.Helper()
	req := b.request(t, http.MethodPost, target, form, "cross-site")
	req.Header.Set("Origin", origin)
	return b.follow(t, req, nil)
}

// request returns a request as a browser sends it. site is its Sec-Fetch-Site.
func (b *Browser) request(t testing.TB, method, target string, form url.Values, site string) *http.Request {
	t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.Server.Issuer + target
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range b.Header {
		req.Header[k] = v
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	if b.roams {
		req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8") // apps may answer with other types
	}
	req.Header.Set("Sec-Fetch-Site", site)
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", b.Server.Origin())
		if b.at != nil {
			req.Header.Set("Origin", b.at.Scheme+"://"+b.at.Host)
		}
	}
	return req
}

// maxHops is more than the way to a page may ever need.
const maxHops = 12

// follow sends the request and follows redirects.
func (b *Browser) follow(t testing.TB, req *http.Request, trail []Hop) *Page {
	t.Helper()
	for {
		res, err := b.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		hop := Hop{req.Method, req.URL, res.StatusCode, res.Header}
		trail = append(trail, hop)
		page := &Page{Hop: hop, Body: string(body), Trail: trail}
		if b.ofIssuer(req.URL) {
			checkPage(t, page)
		}
		location := res.Header.Get("Location")
		if res.StatusCode < 300 || res.StatusCode > 399 || location == "" {
			return page
		}
		next, err := req.URL.Parse(location)
		if err != nil {
			t.Fatalf("%s redirects to %q: %v", req.URL.Path, location, err)
		}
		if !b.roams && !b.ofIssuer(next) {
			page.Left = next
			return page
		}
		if len(trail) == maxHops {
			t.Fatalf("a redirect loop: %v", page.Paths())
		}
		site := req.Header.Get("Sec-Fetch-Site") // that of the whole chain, which redirects cannot improve
		req = b.request(t, http.MethodGet, next.String(), nil, site)
	}
}

// Cookies returns the cookies that the browser has for the server.
func (b *Browser) Cookies() []*http.Cookie { return b.client.Jar.Cookies(b.issuer()) }

// CookiesOf returns the cookies that the browser has for another URL.
func (b *Browser) CookiesOf(t testing.TB, target string) []*http.Cookie {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return b.client.Jar.Cookies(u)
}

// SetCookies puts cookies into the browser, as an attacker on a sibling domain could.
func (b *Browser) SetCookies(cookies []*http.Cookie) { b.client.Jar.SetCookies(b.issuer(), cookies) }

func (b *Browser) issuer() *url.URL {
	u, err := url.Parse(b.Server.Issuer)
	if err != nil {
		panic(err) // the tests have made the URL
	}
	return u
}

// checkPage checks what must hold for every answer to a browser.
func checkPage(t testing.TB, p *Page) {
	t.Helper()
	if p.Status >= 500 && p.Status != http.StatusServiceUnavailable {
		t.Errorf("%s %s: got %d, which says that the server is at fault\n%s", p.Method, p.URL.Path, p.Status, p.Body)
	}
	if p.Status == http.StatusTemporaryRedirect || p.Status == http.StatusPermanentRedirect {
		t.Errorf("%s %s: got %d, with which a browser repeats a POST, password and all", p.Method, p.URL.Path, p.Status)
	}
	for _, c := range p.Header.Values("Set-Cookie") {
		checkCookie(t, p, c)
	}
	if !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") || p.Status >= 300 && p.Status < 400 {
		return
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff",
		"Cache-Control":          "no-store",
	} {
		if got := p.Header.Get(name); !strings.Contains(got, want) {
			t.Errorf("%s %s: got %s %q, want %s", p.Method, p.URL.Path, name, got, want)
		}
	}
	if got := p.Header.Get("Referrer-Policy"); got != "no-referrer" && got != "same-origin" {
		t.Errorf("%s %s: got Referrer-Policy %q, want one that tells other sites nothing", p.Method, p.URL.Path, got)
	}
	csp := p.Header.Get("Content-Security-Policy")
	mail := strings.HasPrefix(csp, "sandbox; default-src 'none';") // styles of mails are within their elements
	if !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe-") && !mail {
		t.Errorf("%s %s: got Content-Security-Policy %q, want frame-ancestors 'none' and nothing unsafe",
			p.Method, p.URL.Path, csp)
	}
}

// checkCookie checks the attributes of a cookie.
func checkCookie(t testing.TB, p *Page, cookie string) {
	t.Helper()
	attributes := []string{"HttpOnly", "SameSite=Lax", "Path=/"}
	if p.URL.Scheme == "https" {
		attributes = append(attributes, "Secure")
		if !strings.HasPrefix(cookie, "__Host-") {
			t.Errorf("%s sets a cookie whose name does not begin with __Host-: %.30s…", p.URL.Path, cookie)
		}
	}
	for _, want := range attributes {
		if !strings.Contains(cookie, "; "+want) {
			t.Errorf("%s sets a cookie without %s: %.30s…", p.URL.Path, want, cookie)
		}
	}
}
