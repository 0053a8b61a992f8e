package login

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// maxForm bounds what a form may send, in bytes. A sealed request travels in it.
const maxForm = 64 << 10

// guard lets through a form that one of our pages sent from this browser, and parses
// it. Two proofs are asked for, since either has its gaps: the browser says from which
// site the form came, and the form carries a token that only a page made for this
// browser holds.
func guard(w http.ResponseWriter, r *http.Request) error {
	if err := sameSite(r); err != nil {
		return err
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	if browser.Bound(r) == "" {
		return &web.Problem{Status: http.StatusForbidden, Title: "Your browser did not send our cookie",
			Message:   "Signing in needs cookies. Allow them for this site, go back, reload the page and try again.",
			Developer: "The form came without the cookie that its page was given with. A program has to fetch the page first, keep its cookies, and send the form with them."}
	}
	sent := []byte(r.PostForm.Get("form"))
	if !browser.Began(r, func(binding string) bool {
		return subtle.ConstantTimeCompare([]byte(formToken(binding)), sent) == 1
	}) {
		return &web.Problem{Status: http.StatusForbidden, Title: "This page is out of date",
			Message:   "Go back, reload the page and try again.",
			Developer: "The hidden field \"form\" is not the one that the page has for this browser."}
	}
	return nil
}

// parseForm reads the form that was posted, each field once.
func parseForm(w http.ResponseWriter, r *http.Request) error {
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || typ != "application/x-www-form-urlencoded" {
		return &web.Problem{Status: http.StatusUnsupportedMediaType, Message: "This page accepts only the form that it shows.",
			Developer: "Send application/x-www-form-urlencoded.", Got: r.Header.Get("Content-Type")}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			return err
		}
		return &web.Problem{Status: http.StatusBadRequest, Message: "The form could not be read.", Err: err}
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return &web.Problem{Status: http.StatusBadRequest, Message: "The form could not be read.", Developer: "A field came more than once.", Got: name}
		}
	}
	return nil
}

// formToken is the hidden field that ties a form to the browser's binding, without
// telling what that is.
func formToken(binding string) string {
	sum := sha256.Sum256([]byte("form\x00" + binding))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sameSite refuses forms of other sites. CrossOriginProtection lets through what names
// no origin at all, for the sake of programs; browsers name one with every form, so that
// here it is refused: by the first of Sec-Fetch-Site, Origin and Referer that is there.
func sameSite(r *http.Request) error {
	refused := &web.Problem{Status: http.StatusForbidden, Title: "This form came from another site",
		Message: "Nothing was done. Open the page you want from here and try again."}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		refused.Err = err
		return refused
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "same-origin" || site == "none" {
		return nil
	}
	refused.Developer = "The form has to come with the header Origin of this issuer. A program that fills in the page has to send it too."
	want, err := url.Parse(web.TenantOf(r.Context()).Issuer)
	if err != nil {
		return err
	}
	refused.Expected = []string{want.Scheme + "://" + want.Host}
	refused.Got = r.Header.Get("Origin")
	if refused.Got == "" {
		if from, err := url.Parse(r.Header.Get("Referer")); err == nil && from.Host != "" {
			refused.Got = from.Scheme + "://" + from.Host
		}
	}
	if !strings.EqualFold(refused.Got, refused.Expected[0]) {
		return refused
	}
	return nil
}

// isPart says whether a page of another site asks for ours as a part of itself, such as a
// picture: then nothing is looked up, and nothing changes. A page is opened by itself, or it
// is not opened. (Fetch Metadata; browsers without it send our cookies no more than others.)
func isPart(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		mode := r.Header.Get("Sec-Fetch-Mode")
		return mode != "" && mode != "navigate"
	}
	return false
}

// setHeaders sets what every page is sent with. The policy is tightened for the default
// page; showing one with a form that leads elsewhere loosens form-action for it.
//
// The Referer stays within the site: with no-referrer Chromium sends "Origin: null"
// with our own forms (Fetch section 3.2), and the guard could not tell them from a
// stranger's.
func setHeaders(w http.ResponseWriter, t *web.Tenant) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy("'self'", "'self'"))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if t != nil && t.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// forClient loosens the headers for a page that a client sent the browser to, and whose
// form leads back there.
//
// Chromium holds every redirect that follows a form to form-action, also those that the
// client makes after the answer has reached it: from its API's host to its app's, from an
// https page to a program on the desktop (claude://, com.example.app:) or to a server on
// localhost. It stops without a word at the first that is not allowed. Where they lead
// nobody here knows.
func forClient(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", policy("'self'", ""))
}

// allowDataImages loosens the headers for a page with a picture that lies in it.
func allowDataImages(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "img-src ", "img-src data: ", 1))
}

// keepOpener lets the window stay tied to the page that opened it.
func keepOpener(w http.ResponseWriter) {
	w.Header().Set("Cross-Origin-Opener-Policy", "unsafe-none")
}

// policy is the Content-Security-Policy of a page. Logos of clients and tenants come
// from wherever they are kept, by https.
func policy(style, formAction string) string {
	p := "default-src 'none'; style-src " + style + "; img-src 'self' https:; base-uri 'none'; frame-ancestors 'none'"
	if formAction != "" {
		p += "; form-action " + formAction
	}
	return p
}
