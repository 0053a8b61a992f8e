package ui

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// maxForm is the largest form, in bytes. A sealed authorization request travels in it.
const maxForm = 64 << 10

// A form is accepted only if it passes two checks, because each has gaps: SameSite looks at the
// site that the browser says the form came from, and checkToken at a field that only a page made
// for this browser has.

// checkToken refuses a parsed form that no page of ours gave to this browser.
func checkToken(r *http.Request) error {
	if browser.Bound(r) == "" {
		return &web.Problem{Status: http.StatusForbidden, Title: "problem.cookie.title",
			Message: "problem.cookie",
			Developer: "The form came without the cookie of its page. A program has to fetch the page first, " +
				"keep its cookies, and send the form with them."}
	}
	sent := []byte(r.PostForm.Get("form"))
	if !browser.Began(r, func(binding string) bool {
		return subtle.ConstantTimeCompare([]byte(FormToken(binding)), sent) == 1
	}) {
		return &web.Problem{Status: http.StatusForbidden, Title: "problem.stale_form.title",
			Message:   "problem.stale_form",
			Developer: "The hidden field \"form\" doesn't match this browser."}
	}
	return nil
}

// parseForm reads the form that was posted, each field once.
func parseForm(w http.ResponseWriter, r *http.Request) error {
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil ||
		typ != "application/x-www-form-urlencoded" {
		return &web.Problem{Status: http.StatusUnsupportedMediaType, Message: "problem.not_its_form",
			Developer: "Send application/x-www-form-urlencoded.", Got: r.Header.Get("Content-Type")}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			return err
		}
		return &web.Problem{Status: http.StatusBadRequest, Message: "problem.unreadable_form", Err: err}
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return &web.Problem{Status: http.StatusBadRequest, Message: "problem.unreadable_form",
				Developer: "A field appears more than once.", Got: name}
		}
	}
	return nil
}

// File is a file that a form brings, while it arrives.
type File struct {
	io.Reader
	Name string // as the browser says
}

type fileKey struct{}

// FileOf returns the file that the form of the request brings; nil for none.
func FileOf(r *http.Request) *File {
	f, _ := r.Context().Value(fileKey{}).(*File)
	return f
}

// parseUpload reads the fields of a form up to its file, which is left to be read. Fields behind it are not seen.
func parseUpload(w http.ResponseWriter, r *http.Request, most int64) (*http.Request, error) {
	await := web.AllowUpload(w, r, most+maxForm)
	parts, err := r.MultipartReader()
	if err != nil {
		return r, &web.Problem{Status: http.StatusBadRequest, Message: "problem.unreadable_form", Err: err}
	}
	r.PostForm = url.Values{}
	for left := int64(maxForm); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r, &web.Problem{Status: http.StatusBadRequest, Message: "problem.unreadable_form", Err: err}
		}
		if part.FileName() != "" {
			r = r.WithContext(context.WithValue(r.Context(), fileKey{}, &File{&awaited{part, await}, part.FileName()}))
			break
		}
		if left, err = readField(r.PostForm, part, left); err != nil {
			return r, err
		}
	}
	r.Form = maps.Clone(r.PostForm)
	for name, values := range r.URL.Query() {
		r.Form[name] = append(r.Form[name], values...)
	}
	return r, nil
}

// awaited is a file for which the server has patience from the first read on: by then a handler knows who sends it.
type awaited struct {
	io.Reader
	await func()
}

// Read implements io.Reader.
func (f *awaited) Read(b []byte) (int, error) {
	f.await()
	return f.Reader.Read(b)
}

// readField adds a field to the form, and returns how many bytes other fields may have.
func readField(form url.Values, part *multipart.Part, left int64) (int64, error) {
	value, err := io.ReadAll(io.LimitReader(part, left+1))
	name := part.FormName()
	left -= int64(len(value) + len(name))
	switch {
	case err != nil:
		return left, &web.Problem{Status: http.StatusBadRequest, Message: "problem.unreadable_form", Err: err}
	case left < 0:
		return left, &http.MaxBytesError{Limit: maxForm}
	case form.Has(name):
		return left, &web.Problem{Status: http.StatusBadRequest, Message: "problem.unreadable_form",
			Developer: "A field appears more than once.", Got: name}
	}
	form.Set(name, string(value))
	return left, nil
}

// FormToken returns the hidden field that ties a form to the browser's binding without revealing
// the binding.
func FormToken(binding string) string {
	sum := sha256.Sum256([]byte("form\x00" + binding))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// SameSite refuses forms of other sites, by the first of Sec-Fetch-Site, Origin and Referer that the
// request has. CrossOriginProtection accepts requests without an origin, because programs send
// none. Browsers send one with every form, so that a form without one is refused.
func SameSite(r *http.Request) error {
	refused := &web.Problem{Status: http.StatusForbidden, Title: "problem.other_site.title",
		Message: "problem.other_site"}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		refused.Err = err
		return refused
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "same-origin" || site == "none" {
		return nil
	}
	refused.Developer = "The form has to come with the header Origin of this issuer. A program that fills in the page " +
		"has to send it too."
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

// isPart reports whether a page of another site requests ours as a part of itself, such as a picture
// (Fetch Metadata). Such a request looks nothing up and changes nothing. Browsers without Fetch
// Metadata send our cookies with it as seldom as others do.
func isPart(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		mode := r.Header.Get("Sec-Fetch-Mode")
		return mode != "" && mode != "navigate"
	}
	return false
}
