package ui

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"net/http"
	"net/url"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants/brand"
)

// Brand is the tenant as users see it.
type Brand struct {
	Name, Logo string
	// sheet is the tenant's stylesheet, to come after that of all pages, or "".
	sheet string
	links []brandLink
}

// brandLink leads to a page of the tenant or of a client.
type brandLink struct{ URL, Text string }

// BrandOf returns the brand of a tenant; nil is a request without one.
func BrandOf(t *issuer.Tenant, w texts.Words) Brand {
	v := Brand{Name: w.Must("brand.name")}
	if t == nil {
		return v
	}
	if t.Name != "" {
		v.Name = t.Name
	}
	v.Logo = SecureURL(t.LogoURI)
	b := t.Settings.Branding
	if b == (storage.Branding{}) {
		return v
	}
	v.sheet = brand.Sheet(b)
	for _, l := range []brandLink{{b.PrivacyURI, w.Must("brand.privacy")}, {b.TermsURI, w.Must("brand.terms")},
		{b.HelpURI, w.Must("brand.help")}, {b.ImprintURI, w.Must("brand.imprint")}} {
		if l.URL = brand.Link(l.URL, l.URL == b.HelpURI); l.URL != "" {
			v.links = append(v.links, l)
		}
	}
	return v
}

// SheetName returns the stylesheet's name in URLs, with a hash of its content; "" if there is none.
func (b Brand) SheetName() string {
	if b.sheet == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(b.sheet))
	return "brand." + hex.EncodeToString(sum[:6]) + ".css"
}

// serveSheet serves the tenant's stylesheet. A replica learns of a new one after a moment: a sheet
// under a name that is not its own must not be cached.
func (p *Pages) serveSheet(w http.ResponseWriter, r *http.Request) {
	v := BrandOf(web.TenantOf(r.Context()), texts.In(texts.Languages()[0]))
	if v.sheet == "" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	if r.URL.Path == "/static/"+v.SheetName() {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	_, _ = w.Write([]byte(v.sheet)) // an error means that the browser is gone
}

// inlineStyle returns all of a page's style as elements, for pages that cannot link to anything, and
// the sources that a Content-Security-Policy needs to allow them.
func (p *Pages) inlineStyle(b Brand) (style template.HTML, source string) {
	style, source = p.static.style, p.static.styleSource
	if b.sheet != "" { // has no <: package brand refuses it
		sum := sha256.Sum256([]byte(b.sheet))
		style += template.HTML("<style>" + b.sheet + "</style>")
		source += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return style, source
}

// SecureURL returns the URL if it is https and names no user, else "".
func SecureURL(s string) string {
	if u, err := url.Parse(s); err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil {
		return u.String()
	}
	return ""
}
