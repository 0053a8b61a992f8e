package ui

import (
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
)

// SetHeaders sets the headers of every page. Handlers relax the content security policy of a page
// that needs more.
//
// The Referer stays within the site: with no-referrer, Chromium sends "Origin: null" with forms of
// our own pages (Fetch section 3.2), so that they look like forms of other sites.
func SetHeaders(w http.ResponseWriter, t *issuer.Tenant) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy("'self'", "'self'")+ownScripts)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
	if t != nil && t.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// AllowFormsAnywhere relaxes the headers for a page whose form leads back to a client.
//
// Chromium applies form-action to every redirect that follows a form, even to those that the client
// makes after it has received the answer: from its API's host to its app's, from an https page to a
// program on the desktop (claude://, com.example.app:) or to a server on localhost. It stops
// silently at the first address that is not allowed, and the server does not know where the
// redirects lead.
func AllowFormsAnywhere(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", policy("'self'", "")+ownScripts)
}

// AllowDataImages relaxes the headers for a page with a picture in a data: URL.
func AllowDataImages(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "img-src ", "img-src data: ", 1))
}

// ownScripts lets a page load our own scripts: static/page.js is on all of them.
const ownScripts = "; script-src 'self'"

// AllowRequests lets the page's scripts send requests to us.
func AllowRequests(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", h.Get("Content-Security-Policy")+"; connect-src 'self'")
}

// KeepOpener lets the window stay tied to the page that opened it.
func KeepOpener(w http.ResponseWriter) {
	w.Header().Set("Cross-Origin-Opener-Policy", "unsafe-none")
}

// policy returns the Content-Security-Policy of a page. Logos of clients and tenants come from any
// host, by https.
func policy(style, formAction string) string {
	p := "default-src 'none'; style-src " + style + "; img-src 'self' https:; base-uri 'none'; frame-ancestors 'none'"
	if formAction != "" {
		p += "; form-action " + formAction
	}
	return p
}
