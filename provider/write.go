package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// oauthError is an error answer as JSON (RFC 6749 section 5.2, RFC 6750 section 3.1).
type oauthError struct {
	Status      int    // 0 is 400
	Code        string // a registered one
	Description string // for whoever writes the client; never what storage said
	// Authenticate is the WWW-Authenticate header, or "".
	Authenticate string
	// RetryAfter, when set, is sent as Retry-After.
	RetryAfter time.Duration
	Err        error // the cause: logged, never shown
}

func (e *oauthError) Error() string {
	s := e.Code + ": " + e.Description
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *oauthError) Unwrap() error { return e.Err }

// api serves an endpoint that programs call: errors become JSON.
func (p *Provider) api(h func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			p.writeError(w, r, err)
		}
	})
}

// programs are the endpoints that answer JSON, errors too.
var programs = []string{"/token", "/introspect", "/revoke", "/userinfo", "/jwks", "/authorize-challenge"}

// ErrorPage is page, but for endpoints that programs call: what went wrong before a
// request reached one of those, such as its tenant not being found, is JSON too.
func (p *Provider) ErrorPage(page web.ErrorPage) web.ErrorPage {
	return func(w http.ResponseWriter, r *http.Request, prob *web.Problem) {
		path := r.URL.Path
		if rest, ok := strings.CutPrefix(path, "/t/"); ok {
			_, path, _ = strings.Cut(rest, "/")
			path = "/" + path
		}
		switch program := slices.Contains(programs, path); {
		case program && prob.Status >= 500:
			p.writeError(w, r, prob)
		case program: // with all that it says to developers, where it does
			r = r.Clone(r.Context())
			r.Header.Set("Accept", "application/json")
			page(w, r, prob)
		default:
			page(w, r, prob)
		}
	}
}

func (p *Provider) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := asOAuthError(err)
	web.Note(r.Context(), "error", e.Code)
	if e.Status >= 500 {
		web.Note(r.Context(), "cause", err.Error())
		w.Header().Set("Retry-After", "1")
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", web.RetryAfter(e.RetryAfter))
	}
	if e.Authenticate != "" {
		w.Header().Set("WWW-Authenticate", e.Authenticate)
	}
	_ = writeJSON(w, e.Status, map[string]string{"error": e.Code, "error_description": legible(e.Description)})
}

// asOAuthError is err as the JSON that a program is told.
func asOAuthError(err error) *oauthError {
	var own *oauthError
	if errors.As(err, &own) {
		out := *own
		if out.Status == 0 {
			out.Status = http.StatusBadRequest
		}
		return &out
	}
	var theirs *fosite.RFC6749Error
	if errors.As(err, &theirs) && theirs.CodeField < 500 && theirs.CodeField != 0 {
		return &oauthError{Status: http.StatusBadRequest, Code: registered(theirs.ErrorField), Description: description(theirs)}
	}
	prob := web.AsProblem(err)
	switch {
	case prob.Status == http.StatusServiceUnavailable:
		return &oauthError{Status: prob.Status, Code: "temporarily_unavailable", Description: "The server cannot answer just now. Try again."}
	case prob.Status < 500:
		return &oauthError{Status: prob.Status, Code: "invalid_request", Description: prob.Message}
	}
	return &oauthError{Status: http.StatusInternalServerError, Code: "server_error", Description: "Something went wrong here. The server's log has the cause under this request's X-Request-Id."}
}

// description is what a fosite error says to a developer: without its debug part,
// which may quote causes.
func description(e *fosite.RFC6749Error) string {
	return strings.TrimSpace(e.DescriptionField + " " + e.HintField)
}

// registered maps the few codes that fosite made up to registered ones.
func registered(code string) string {
	switch code {
	case "invalid_state", "invalid_token_format", "request_unauthorized", "error", "not_found", "inactive":
		return "invalid_request"
	case "jti_known":
		return "invalid_client"
	case "token_expired", "invalid_authorize_code":
		return "invalid_grant"
	}
	return code
}

// legible keeps the characters that error_description may hold (RFC 6749 section 5.2).
func legible(s string) string {
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

// writeJSON writes an answer that no cache may keep.
func writeJSON(w http.ResponseWriter, status int, v any) error {
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
