package ui

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"net/http"
	"net/url"
	"strconv"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants/brand"
)

// Brand is the tenant as users see it.
type Brand struct {
	Name, Logo string
	// Mark stands for the tenant where it has no logo.
	Mark brand.Mark
	// sheet is the tenant's stylesheet, to come after that of all pages, or "".
	sheet string
	links []brandLink
}

// brandLink leads to a page of the tenant or of a client.
type brandLink struct{ URL, Text string }

// BrandOf returns the brand of a tenant; nil is a request without one.
func BrandOf(t *issuer.Tenant, w texts.Words) Brand {
	v := Brand{Name: w.Must("brand.name"), Mark: brand.MarkOf("", storage.Branding{})}
	if t == nil {
		return v
	}
	v.Mark = brand.MarkOf(t.Name, t.Settings.Branding)
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
	return "brand." + fingerprint(b.sheet) + ".css"
}

// markName returns the name of the tenant's mark in URLs, with a hash of its content; "" for the mark
// of the product.
func (b Brand) markName() string {
	if b.Mark.Ours {
		return ""
	}
	return "initial." + fingerprint(b.Mark.SVG()) + ".svg"
}

// fingerprint returns a hash of a file's content for its name.
func fingerprint(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:6])
}

// Icon returns the URL of the picture in the browser's tab. A page that cannot link to anything of ours
// holds it within itself: browsers request /favicon.ico when a page names none.
func (v *View) Icon() (template.URL, error) {
	own := v.Brand.markName()
	switch {
	case v.Brand.Logo != "":
		return template.URL(v.Brand.Logo), nil
	case v.Style != "":
		picture := v.Brand.Mark.SVG()
		if own == "" {
			picture = string(v.pages.static.mark)
		}
		return template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(picture))), nil
	case own != "":
		return template.URL(v.Path + "/static/" + own), nil
	}
	url, err := v.Asset("mark.svg")
	return template.URL(url), err
}

// serveSheet serves the tenant's stylesheet.
func (p *Pages) serveSheet(w http.ResponseWriter, r *http.Request) {
	v := BrandOf(web.TenantOf(r.Context()), texts.In(texts.Languages()[0]))
	serveOwn(w, r, v.SheetName(), "text/css; charset=utf-8", v.sheet)
}

// serveMark serves the tenant's mark. The policy keeps a browser that opens it as a page from
// loading or running anything.
func (p *Pages) serveMark(w http.ResponseWriter, r *http.Request) {
	v := BrandOf(web.TenantOf(r.Context()), texts.In(texts.Languages()[0]))
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	serveOwn(w, r, v.markName(), "image/svg+xml", v.Mark.SVG())
}

// serveOwn writes a file that each tenant has of its own. A replica learns of a new one after a
// moment: a file under a name that is not its own must not be cached.
func serveOwn(w http.ResponseWriter, r *http.Request, name, kind, content string) {
	if name == "" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	if r.URL.Path == "/static/"+name {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	_, _ = w.Write([]byte(content)) // an error means that the browser is gone
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

// iconKey identifies a picture. Tenants have few marks, so that all pictures are kept.
type iconKey struct {
	mark brand.Mark
	size int
}

// serveIcon serves the tenant's icon: its logo, if it has one, else its mark.
func (p *Pages) serveIcon(size int, ico bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t := web.TenantOf(r.Context())
		h := w.Header()
		h.Set("Cache-Control", "public, max-age=86400")
		if logo := SecureURL(t.LogoURI); logo != "" {
			http.Redirect(w, r, logo, http.StatusSeeOther)
			return
		}
		key := iconKey{brand.MarkOf(t.Name, t.Settings.Branding), size}
		drawn, ok := p.icons.Load(key)
		if !ok {
			drawn, _ = p.icons.LoadOrStore(key, key.mark.Icon(size))
		}
		picture := drawn.([]byte)
		h.Set("Content-Type", "image/png")
		if ico {
			picture = brand.ICO(picture, size)
			h.Set("Content-Type", "image/vnd.microsoft.icon")
		}
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Length", strconv.Itoa(len(picture)))
		_, _ = w.Write(picture) // an error means that the browser is gone
	}
}
