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

// Visitor is a browser without scripts that goes wherever it is sent: to an app, from there to the
// issuer, where it signs in as its user, and back.
type Visitor struct {
	Browser
	// Answered are the paths of the issuer's pages that it answered last.
	Answered []string
}

// GavePassword reports whether the issuer asked for the password, as it does when the session has
// ended.
func (v *Visitor) GavePassword() bool { return slices.Contains(v.Answered, "/login") }

// Visitor returns a new browser that the user uses.
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

// Open opens a URL and returns the page of another site than the issuer's at which the browser
// arrives. It answers pages of the issuer on the way.
func (v *Visitor) Open(t testing.TB, target string) *Page {
	t.Helper()
	return v.arrive(t, v.Get(t, target))
}

// Press presses the button with that text, and goes on as Open does.
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

// from returns the browser as it shows the page, because the headers of a form name its origin.
func (v *Visitor) from(page *Page) *Browser {
	b := v.Browser
	b.at = page.URL
	return &b
}

// arrive answers the issuer's pages, and posts the forms that a script would post (response mode
// form_post), until the browser is at another site.
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

// posted posts a form that leads to another site. It returns nil if the page has none.
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
