package login

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants/brand"
)

// brandView is the tenant as people see it.
type brandView struct {
	Name, Logo string
	// sheet is the tenant's stylesheet, to come after that of all pages, or "".
	sheet string
	links []link
}

// link is one to a page that is not ours.
type link struct{ URL, Text string }

func brandOf(t *web.Tenant, w texts.Words) brandView {
	v := brandView{Name: w.Must("brand.name")}
	if t == nil {
		return v
	}
	if t.Name != "" {
		v.Name = t.Name
	}
	v.Logo = secureURL(t.LogoURI)
	b := t.Settings.Branding
	if b == (storage.Branding{}) {
		return v
	}
	v.sheet = brand.Sheet(b)
	for _, l := range []link{{b.PrivacyURI, w.Must("brand.privacy")}, {b.TermsURI, w.Must("brand.terms")}, {b.HelpURI, w.Must("brand.help")}, {b.ImprintURI, w.Must("brand.imprint")}} {
		if l.URL = brand.Link(l.URL, l.URL == b.HelpURI); l.URL != "" {
			v.links = append(v.links, l)
		}
	}
	return v
}

// SheetName is the file's in URLs, with a hash of what it holds.
func (v brandView) SheetName() string {
	if v.sheet == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(v.sheet))
	return "brand." + hex.EncodeToString(sum[:6]) + ".css"
}

// Footer are the links below the page: to what the tenant says of itself, and the client
// that asks.
func (v *view) Footer() []link {
	all := v.Brand.links
	if v.Client != nil {
		for _, l := range []link{{v.Client.Policy, v.words.Must("client.policy", v.Client.Name)}, {v.Client.Terms, v.words.Must("client.tos", v.Client.Name)}} {
			if l.URL != "" {
				all = append(all, l)
			}
		}
	}
	return all
}

// serveSheet serves the tenant's stylesheet. Replicas take a moment to hear of a new one:
// what is asked for by a name that is not its own is not kept.
func (s *Server) serveSheet(w http.ResponseWriter, r *http.Request) {
	v := brandOf(web.TenantOf(r.Context()), texts.In(texts.Languages()[0]))
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
	_, _ = w.Write([]byte(v.sheet)) // the browser has gone
}

// inlineStyle is all of a page's style as elements, for pages that cannot link to anything,
// and what a Content-Security-Policy has to say to allow them.
func (s *Server) inlineStyle(v brandView) (style template.HTML, source string) {
	style, source = s.static.style, s.static.styleSource
	if v.sheet != "" { // has no <: package brand refuses it
		sum := sha256.Sum256([]byte(v.sheet))
		style += template.HTML("<style>" + v.sheet + "</style>")
		source += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return style, source
}
