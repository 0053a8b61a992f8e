package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// Handler serves an endpoint that programs call: errors become JSON.
func Handler(h func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			WriteError(w, r, err)
		}
	})
}

// WriteError writes err as JSON (RFC 6749 section 5.2), and tells the log.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	e := AsError(err)
	web.Note(r.Context(), "error", e.ErrorField)
	h := w.Header()
	if e.CodeField >= 500 {
		web.Note(r.Context(), "cause", Cause(err))
		h.Set("Retry-After", "1")
	}
	var wait Wait
	if errors.As(err, &wait) && wait > 0 {
		h.Set("Retry-After", web.RetryAfter(time.Duration(wait)))
	}
	if e.ErrorField == fosite.ErrInvalidClient.ErrorField {
		// Which scheme there is (RFC 6749 section 5.2, RFC 9110 section 15.5.2).
		h.Set("WWW-Authenticate", `Basic realm="`+web.TenantOf(r.Context()).Issuer+`", charset="UTF-8"`)
	}
	_ = WriteJSON(w, e.CodeField, map[string]string{"error": e.ErrorField, "error_description": Legible(Description(e))})
}

// Legible returns s in the characters that error_description may hold (RFC 6749 section 5.2).
func Legible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r == '\\':
			return '/'
		case r < ' ' || r > '~':
			return ' '
		}
		return r
	}, s)
}

// unkeptJSON are the headers of an answer that no cache may keep.
var unkeptJSON = web.Header{
	web.Line("Content-Type", "application/json"),
	web.Line("Cache-Control", "no-store"),
	web.Line("Pragma", "no-cache"),
	web.Line("X-Content-Type-Options", "nosniff"),
}

// WriteJSON writes an answer that no cache may keep.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	unkeptJSON.Set(w.Header())
	w.WriteHeader(status)
	_, err := w.Write(buf.Bytes())
	return err
}
