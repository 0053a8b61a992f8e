package oauth

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/storage"
)

// MaxForm bounds the body of a request from a program, in bytes.
const MaxForm = 64 << 10

// MaxRequest bounds an authorization request, in bytes of its query or form. The request travels
// sealed in URLs, whose length servers and browsers limit.
const MaxRequest = 8 << 10

// PostForm returns the form that a program posted to /token, /revoke or /introspect. It is in r.PostForm and
// r.Form as well. PostForm refuses parameters in the URL, because URLs end up in logs (RFC 6749 section 2.3.1),
// and parameters that occur twice, because two readers could use different values (section 3.2). resource and
// audience alone may be there several times (RFC 8707 section 2, RFC 8693 section 2.1). Parameters without a value
// are dropped (section 3.2). Its errors are protocol errors.
func PostForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, ErrMethodNotAllowed.WithDescription("This endpoint only accepts POST.")
	}
	if r.URL.RawQuery != "" {
		return nil, fosite.ErrInvalidRequest.WithDescription("Send the parameters in the body, not in the URL.")
	}
	if !IsForm(r) {
		return nil, fosite.ErrInvalidRequest.WithDescription("Send the parameters with Content-Type: " +
			"application/x-www-form-urlencoded.")
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
		case len(values) > 1 && name != "resource" && name != "audience":
			return nil, fosite.ErrInvalidRequest.WithDescription("A parameter appears more than once.")
		case !storage.WellFormed(name) || slices.ContainsFunc(values, malformed):
			return nil, fosite.ErrInvalidRequest.WithDescription("A parameter isn't valid UTF-8.")
		case len(values) == 1 && values[0] == "":
			delete(r.PostForm, name)
		}
	}
	r.Form = r.PostForm
	return r.PostForm, nil
}

func malformed(s string) bool { return !storage.WellFormed(s) }

// DropEmpty removes parameters without a value from the form, because they count as missing (RFC
// 6749 section 3.1). A parameter that occurs several times is kept, so that it is refused.
func DropEmpty(form url.Values) {
	for name, values := range form {
		if len(values) == 1 && values[0] == "" {
			delete(form, name)
		}
	}
}

// IsForm reports whether the body is application/x-www-form-urlencoded.
func IsForm(r *http.Request) bool {
	const form = "application/x-www-form-urlencoded"
	sent := r.Header.Get("Content-Type")
	if sent == form { // as nearly all clients write it
		return true
	}
	typ, _, err := mime.ParseMediaType(sent)
	return err == nil && typ == form
}
