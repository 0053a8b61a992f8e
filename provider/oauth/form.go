package oauth

import (
	"errors"
	"mime"
	"net/http"
	"net/url"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/storage"
)

// MaxForm bounds the body of a request from a program.
const MaxForm = 64 << 10

// MaxRequest bounds a request that a browser brings, in bytes of its query or form. It comes back
// sealed in URLs, which servers and browsers bound, too.
const MaxRequest = 8 << 10

// PostForm reads the form that a program posted to /token, /revoke or /introspect.
// Nothing is read from the URL, where secrets end up in logs (RFC 6749 section 2.3.1);
// nothing is taken twice, because two readers could take different ones (section
// 3.2); parameters without a value are left out (section 3.2). It stands in
// r.PostForm and r.Form, too.
func PostForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, ErrMethodNotAllowed.WithDescription("Use POST.")
	}
	if r.URL.RawQuery != "" {
		return nil, fosite.ErrInvalidRequest.WithDescription("Send parameters in the body, not in the URL.")
	}
	if !IsForm(r) {
		return nil, fosite.ErrInvalidRequest.WithDescription("Send the parameters with Content-Type: application/x-www-form-urlencoded.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, MaxForm)
	if err := r.ParseForm(); err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			return nil, ErrTooLarge.WithWrap(err)
		}
		return nil, fosite.ErrInvalidRequest.WithDescription("The body is not a form.").WithWrap(err)
	}
	for name, values := range r.PostForm {
		switch {
		case len(values) > 1:
			return nil, fosite.ErrInvalidRequest.WithDescription("A parameter is there more than once.")
		case !storage.WellFormed(name) || !storage.WellFormed(values[0]):
			return nil, fosite.ErrInvalidRequest.WithDescription("A parameter is not UTF-8 text.")
		case values[0] == "":
			delete(r.PostForm, name)
		}
	}
	r.Form = r.PostForm
	return r.PostForm, nil
}

// DropEmpty leaves out the parameters that came without a value: they mean what parameters
// mean that are not there (RFC 6749 section 3.1). One that came several times stays, to be
// refused.
func DropEmpty(form url.Values) {
	for name, values := range form {
		if len(values) == 1 && values[0] == "" {
			delete(form, name)
		}
	}
}

// IsForm says whether the body is what HTML forms send by default.
func IsForm(r *http.Request) bool {
	typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && typ == "application/x-www-form-urlencoded"
}
