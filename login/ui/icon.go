package ui

import (
	"net/http"
	"strconv"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/tenants/brand"
)

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
