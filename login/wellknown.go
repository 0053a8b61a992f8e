package login

import (
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/tenants/brand"
)

// registerWellKnown adds the paths that browsers and password managers ask for by
// themselves.
func (s *Server) registerWellKnown(r *mux.Router) {
	r.Handle("/.well-known/change-password", s.page(changePasswordAt)).Methods(http.MethodGet, http.MethodHead)
	for path, size := range map[string]int{"/favicon.ico": 32, "/apple-touch-icon.png": 180, "/apple-touch-icon-precomposed.png": 180} {
		r.HandleFunc(path, s.icon(size, path == "/favicon.ico")).Methods(http.MethodGet, http.MethodHead)
	}
}

// changePasswordAt leads password managers to where a password is changed (W3C, A Well-Known
// URL for Changing Passwords).
func changePasswordAt(w http.ResponseWriter, r *http.Request) error {
	return seeOther(w, r, "/account/password")
}

// iconKey names a picture: the accents of tenants are few.
type iconKey struct {
	accent string
	size   int
}

// icon serves the tenant's picture: its logo, if it has one, else the mark in its colour.
func (s *Server) icon(size int, ico bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t := web.TenantOf(r.Context())
		h := w.Header()
		h.Set("Cache-Control", "public, max-age=86400")
		if logo := secureURL(t.LogoURI); logo != "" {
			http.Redirect(w, r, logo, http.StatusSeeOther)
			return
		}
		key := iconKey{t.Settings.Branding.Accent, size}
		drawn, ok := s.icons.Load(key)
		if !ok {
			drawn, _ = s.icons.LoadOrStore(key, brand.Icon(key.accent, size))
		}
		picture := drawn.([]byte)
		h.Set("Content-Type", "image/png")
		if ico {
			picture = brand.ICO(picture, size)
			h.Set("Content-Type", "image/vnd.microsoft.icon")
		}
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Length", strconv.Itoa(len(picture)))
		_, _ = w.Write(picture) // the browser has gone
	}
}
