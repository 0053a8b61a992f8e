// Package consoletest runs a server in the process of a test, with administrators who use the console in browsers.
package consoletest

import (
	"context"
	"fmt"
	"html"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/compat/compattest"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Server is a server that runs until its test ends.
type Server struct {
	*compattest.Server
	Store    installation.Store
	Accounts *administration.Accounts
	t        testing.TB
}

// Start runs a server. env changes its environment: names and values in turn.
func Start(t *testing.T, env ...string) *Server {
	t.Helper()
	s := &Server{t: t}
	s.Server = compattest.Start(t, "clients: []\n", func(_ *compattest.Server, all map[string]string) {
		for i := 0; i+1 < len(env); i += 2 {
			all[env[i]] = env[i+1]
		}
	})
	var err error
	if s.Store, err = installation.OpenStore(t.Context(), s.Config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Store.Close() })
	hasher, err := installation.Hasher(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	s.Accounts = &administration.Accounts{Store: s.Store, Passwords: hasher,
		Policy: installation.PasswordPolicy(s.Config, nil, nil), Pairwise: s.pairwise}
	return s
}

// pairwise returns what finds users by the names that pairwise clients have for them.
func (s *Server) pairwise(ctx context.Context) (*pairwise.Service, error) {
	secrets, err := installation.OpenSecrets(ctx, s.Config, s.Store)
	return &pairwise.Service{Store: s.Store, Secrets: secrets}, err
}

// Asker returns the command line as one who asks at a tenant, which is stored.
func (s *Server) Asker(tenant string) people.Asker {
	s.t.Helper()
	record, err := s.Store.Tenant(context.Background(), tenant)
	if err != nil {
		s.t.Fatal(err)
	}
	root, err := url.Parse(s.Issuer)
	if err != nil {
		s.t.Fatal(err)
	}
	return people.Asker{Tenant: issuer.Of(root, record), Actor: people.ActorCommand, Language: "en"}
}

// SetupLink returns the path of the link that creates the first administrator.
func (s *Server) SetupLink() string {
	s.t.Helper()
	masters, err := installation.OpenSecrets(context.Background(), s.Config, s.Store)
	if err != nil {
		s.t.Fatal(err)
	}
	return "/setup?token=" + people.SetupLink{Secrets: masters}.Token()
}

// Tenant stores a tenant.
func (s *Server) Tenant(id string) {
	s.t.Helper()
	now := time.Now().UTC()
	err := s.Store.AddTenant(context.Background(), storage.Tenant{ID: id, Name: "Tenant " + id, CreatedAt: now})
	if err != nil {
		s.t.Fatal(err)
	}
}

// User stores a user, as an administrator of the role unless that is "". The email address is NAME@TENANT.example.
func (s *Server) User(tenant, name, role string) storage.User {
	s.t.Helper()
	ctx, a := context.Background(), s.Asker(tenant)
	n, err := s.Accounts.Check(ctx, a, importing.Row{
		Email: name + "@" + tenant + ".example", EmailVerified: true, Profile: storage.Profile{Name: "Name of " + name},
	}, true)
	if err != nil {
		s.t.Fatal(err)
	}
	u, err := s.Accounts.Add(ctx, a, n.As(role), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// Browser is a browser of one administrator.
type Browser struct {
	t      testing.TB
	server *Server
	client *http.Client
	// Last is the page that was shown last.
	Last Page
	// Session is the id of the session, which forms name.
	Session string
}

// Page is an answer.
type Page struct {
	Status int
	Header http.Header
	Body   string
	URL    *url.URL // without redirects that were followed
}

// Browser returns a browser in which the user is signed in since the time, by a password. A zero time is now.
func (s *Server) Browser(u storage.User, since time.Time) *Browser {
	s.t.Helper()
	if since.IsZero() {
		since = time.Now()
	}
	return s.BrowserBy(u, storage.Session{AuthTime: since, ACR: storage.ACRPassword, AMR: []string{"pwd"}})
}

// BrowserBy returns a browser in which the user is signed in as the session says.
func (s *Server) BrowserBy(u storage.User, session storage.Session) *Browser {
	s.t.Helper()
	keeper := sessions.Keeper{Store: s.Store, Idle: time.Hour, Lifetime: time.Hour}
	session.TenantID, session.UserID = u.TenantID, u.ID
	session, held, err := keeper.Begin(context.Background(), "", session, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	b := s.Stranger()
	b.Session = session.ID
	name := "vouchsafe-session"
	if u.TenantID != storage.DefaultTenant {
		name += "-" + u.TenantID
	}
	b.client.Jar.SetCookies(b.at(), []*http.Cookie{{Name: name, Value: held, Path: "/"}})
	return b
}

// Cookie returns the value of a cookie that the browser holds, or "".
func (b *Browser) Cookie(name string) string {
	for _, c := range b.client.Jar.Cookies(b.at()) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// SetCookie has the browser hold a cookie.
func (b *Browser) SetCookie(name, value string) {
	b.client.Jar.SetCookies(b.at(), []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// In signs the user in to a Chromium that chromiumtest.New started.
func (b *Browser) In(ctx context.Context) {
	b.t.Helper()
	for _, c := range b.client.Jar.Cookies(b.at()) {
		_, err := chromedp.Call(ctx, network.SetCookie,
			network.SetCookieParams{Name: c.Name, Value: c.Value, URL: b.server.Issuer})
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

// at returns the URL of the server.
func (b *Browser) at() *url.URL {
	b.t.Helper()
	at, err := url.Parse(b.server.Issuer)
	if err != nil {
		b.t.Fatal(err)
	}
	return at
}

// Stranger returns a browser that is not signed in.
func (s *Server) Stranger() *Browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	last := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Browser{t: s.t, server: s, client: &http.Client{Jar: jar, CheckRedirect: last}}
}

// Get requests a page, and follows no redirect.
func (b *Browser) Get(path string) Page {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodGet, b.server.Issuer+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

// Open is Get that has to succeed.
func (b *Browser) Open(path string) Page {
	b.t.Helper()
	p := b.Get(path)
	if p.Status != http.StatusOK {
		b.t.Fatalf("GET %s: got %d to %q\n%.2000s", path, p.Status, p.Header.Get("Location"), p.Text())
	}
	return p
}

var (
	formElement = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	inputTag    = regexp.MustCompile(`<input [^>]*>`)
	attribute   = regexp.MustCompile(`([a-z-]+)(?:="([^"]*)")?`)
)

// Fields returns what the form of the last page that is sent to the path holds before the user fills it in.
func (b *Browser) Fields(path string) url.Values {
	b.t.Helper()
	for _, m := range formElement.FindAllStringSubmatch(b.Last.Body, -1) {
		if html.UnescapeString(m[1]) != path {
			continue
		}
		values := url.Values{}
		for _, tag := range inputTag.FindAllString(m[2], -1) {
			attr := map[string]string{}
			for _, a := range attribute.FindAllStringSubmatch(tag, -1) {
				attr[a[1]] = html.UnescapeString(a[2])
			}
			if _, checked := attr["checked"]; attr["name"] != "" && (checked || attr["type"] != "checkbox") {
				values.Set(attr["name"], attr["value"])
			}
		}
		return values
	}
	b.t.Fatalf("%s has no form for %s\n%s", b.Last.URL, path, b.Last.Body)
	return nil
}

// Hidden returns the value of a hidden field of the last page, such as the token of its forms.
func (b *Browser) Hidden(name string) string {
	b.t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(b.Last.Body)
	if m == nil {
		b.t.Fatalf("%s has no field %s", b.Last.URL, name)
	}
	return html.UnescapeString(m[1])
}

// Send fills in the form of the last page that is sent to the path, and sends it: names and values in turn.
func (b *Browser) Send(path string, fields ...string) Page {
	b.t.Helper()
	values := b.Fields(path)
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return b.Post(path, values)
}

// Post sends a form as a page of this site does.
func (b *Browser) Post(path string, values url.Values, headers ...string) Page {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.server.Issuer+path, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.server.Issuer)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.do(req)
}

// Upload fills in the form of the last page that is sent to the path, and sends it with a file, which is read while
// it is sent: names and values of fields in turn.
func (b *Browser) Upload(path, name string, file io.Reader, fields ...string) Page {
	b.t.Helper()
	values := b.Fields(path)
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	in, out := io.Pipe()
	form := multipart.NewWriter(out)
	go func() {
		var err error
		for field := range values {
			if field != "file" && err == nil {
				err = form.WriteField(field, values.Get(field))
			}
		}
		if err == nil && file != nil {
			var part io.Writer
			if part, err = form.CreateFormFile("file", name); err == nil {
				_, err = io.Copy(part, file)
			}
		}
		if err == nil {
			err = form.Close()
		}
		_ = out.CloseWithError(err) // the request fails with it
	}()
	req, err := http.NewRequest(http.MethodPost, b.server.Issuer+path, in)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Origin", b.server.Issuer)
	return b.do(req)
}

// Leads returns where an answer sends the browser, which asks for a page there; "" for nowhere.
func (p Page) Leads() string {
	if p.Status != http.StatusSeeOther {
		return ""
	}
	return p.Header.Get("Location")
}

// Follow requests the page to which an answer redirects. It fails the test if the answer does not redirect.
func (b *Browser) Follow(p Page) Page {
	b.t.Helper()
	to := p.Header.Get("Location")
	if p.Status != http.StatusSeeOther || to == "" {
		b.t.Fatalf("%s: got %d, want a redirect\n%.2000s", p.URL, p.Status, p.Text())
	}
	return b.Get(strings.TrimPrefix(to, b.server.Issuer))
}

func (b *Browser) do(req *http.Request) Page {
	b.t.Helper()
	req.Header.Set("Accept", "text/html")
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := Page{res.StatusCode, res.Header, string(body), req.URL}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") && len(body) > 0 {
		b.Last = p
	}
	return p
}

var tags = regexp.MustCompile(`(?s)<(script|style)[^>]*>.*?</(script|style)>|<[^>]*>`)

// Text returns what a reader sees of the page, with single spaces.
func (p Page) Text() string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(p.Body, " "))), " ")
}

// Says fails the test unless the page has each of the texts.
func (b *Browser) Says(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if !strings.Contains(b.Last.Text(), text) {
			b.t.Errorf("%s doesn't say %q:\n%s", b.Last.URL, text, b.Last.Text())
		}
	}
}

// SaysNot fails the test if the page has one of the texts.
func (b *Browser) SaysNot(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if strings.Contains(b.Last.Text(), text) {
			b.t.Errorf("%s says %q", b.Last.URL, text)
		}
	}
}

var links = regexp.MustCompile(`<a [^>]*href="([^"]*)"`)

// Links returns the paths of this server that the last page links to, in order, each once.
func (b *Browser) Links() []string {
	all := map[string]bool{}
	for _, m := range links.FindAllStringSubmatch(b.Last.Body, -1) {
		if to := html.UnescapeString(m[1]); strings.HasPrefix(to, "/") {
			all[to] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Leading returns the link or the form of the last page whose path is the given one, with its parameters.
func (b *Browser) Leading(path string) string {
	b.t.Helper()
	all := b.Links()
	for _, m := range formElement.FindAllStringSubmatch(b.Last.Body, -1) {
		all = append(all, html.UnescapeString(m[1]))
	}
	for _, to := range all {
		if at, _, _ := strings.Cut(to, "?"); at == path {
			return to
		}
	}
	b.t.Fatalf("%s leads to no %s\n%s", b.Last.URL, path, b.Last.Body)
	return ""
}

// After returns the cursor in a link to a page of a list, or "".
func After(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Query().Get("after")
}

// String returns the page for messages.
func (p Page) String() string { return fmt.Sprintf("%d %s", p.Status, p.URL) }
