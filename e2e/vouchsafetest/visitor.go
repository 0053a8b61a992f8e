package vouchsafetest

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Visitor is a browser without scripts that goes wherever it is sent: to an app, from
// there to the issuer, where it signs in as its person, and back.
type Visitor struct {
	Browser
	// Answered are the paths of the issuer's pages that it answered on its last way.
	Answered []string
}

// GavePassword says whether the issuer asked for the password on the last way: it does when
// the session has ended.
func (v *Visitor) GavePassword() bool { return slices.Contains(v.Answered, "/login") }

// Visitor is a new one, in front of which the person sits.
func (s *Server) Visitor(t testing.TB, p Person) *Visitor {
	t.Helper()
	v := &Visitor{Browser: *s.Browser(t, p)}
	v.roams = true
	transport := v.client.Transport.(*http.Transport)
	issuer, atIssuer := v.issuer().Host, transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == issuer {
			return atIssuer(ctx, network, address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return v
}

// Open opens a URL and gives the page of another site than the issuer's at which the
// visitor arrives in the end. Pages of the issuer are answered on the way.
func (v *Visitor) Open(t testing.TB, target string) *Page {
	t.Helper()
	return v.arrive(t, v.Get(t, target))
}

// Press presses the button of that text on the page, and goes on as Open does.
func (v *Visitor) Press(t testing.TB, page *Page, button string) *Page {
	t.Helper()
	for _, f := range page.Forms(t) {
		for _, b := range f.Buttons {
			if strings.TrimSpace(b.Text) == button {
				return v.arrive(t, v.from(page).Submit(t, f, &b))
			}
		}
	}
	t.Fatalf("%s has no button %q: %d\n%s", page.URL, button, page.Status, page.Body)
	return nil
}

// from is the browser when it is at the page: what forms send says where they stood.
func (v *Visitor) from(page *Page) *Browser {
	b := v.Browser
	b.at = page.URL
	return &b
}

// arrive answers the issuer's pages, and posts the forms that a script would post (of the
// response mode form_post), until the visitor is at another site.
func (v *Visitor) arrive(t testing.TB, page *Page) *Page {
	t.Helper()
	v.Answered = nil
	for range maxPages {
		if !v.ofIssuer(page.URL) {
			return page
		}
		next := v.posted(t, page)
		if next == nil {
			next = v.step(t, page)
		}
		if next == nil {
			t.Fatalf("the visitor stays at %s: %d\n%s", page.URL, page.Status, page.Text(t))
		}
		v.Answered = append(v.Answered, page.URL.Path)
		page = next
	}
	t.Fatalf("no end to the pages of the issuer: the visitor is at %s", page.URL)
	return nil
}

// posted posts a form that leads to another site; nil when the page has none.
func (v *Visitor) posted(t testing.TB, page *Page) *Page {
	t.Helper()
	for _, f := range page.Forms(t) {
		if action, err := url.Parse(f.Action); err == nil && f.Method == http.MethodPost && !v.ofIssuer(action) {
			return v.from(page).PostFrom(t, v.Server.Origin(), f.Action, f.Fields)
		}
	}
	return nil
}

func (b *Browser) ofIssuer(u *url.URL) bool { return u.Scheme+"://"+u.Host == b.Server.Origin() }
