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

// Handler returns the handler of an endpoint for programs. It writes errors of h as JSON.
func Handler(h func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			WriteError(w, r, err)
		}
	})
}

// WriteError writes err as JSON (RFC 6749 section 5.2), and notes its code, and for a fault of this
// server its cause, on the request's log line.
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
		// The client must learn which scheme to use (RFC 6749 section 5.2, RFC 9110 section
		// 15.5.2).
		h.Set("WWW-Authenticate", `Basic realm="`+web.TenantOf(r.Context()).Issuer+`", charset="UTF-8"`)
	}
	_ = WriteJSON(w, e.CodeField, map[string]string{"error": e.ErrorField, "error_description": Legible(Description(e))})
}

// Legible returns s with the characters replaced that error_description may not contain (RFC 6749
// section 5.2).
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

// unkeptJSON are the headers of a JSON answer that no cache may store.
var unkeptJSON = web.Header{
	web.Line("Content-Type", "application/json"),
	web.Line("Cache-Control", "no-store"),
	web.Line("Pragma", "no-cache"),
	web.Line("X-Content-Type-Options", "nosniff"),
}

// WriteJSON writes v as JSON with headers that keep caches from storing it.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return WriteEncoded(w, status, buf.Bytes())
}

// WriteEncoded does the same with JSON that is encoded already.
func WriteEncoded(w http.ResponseWriter, status int, encoded []byte) error {
	unkeptJSON.Set(w.Header())
	w.WriteHeader(status)
	_, err := w.Write(encoded)
	return err
}
