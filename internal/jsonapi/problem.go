package jsonapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// typePrefix and a code are the type of a problem (RFC 9457 section 3.1.1).
const typePrefix = "urn:vouchsafe:problem:"

// Problem is an error as the API answers it (RFC 9457).
type Problem struct {
	Type   string `json:"type" doc:"urn:vouchsafe:problem: and the code."`
	Title  string `json:"title" doc:"The kind of problem in a few words."`
	Status int    `json:"status" doc:"The HTTP status."`
	Code   string `json:"code" doc:"What programs go by. It does not change."`
	Detail string `json:"detail,omitempty" doc:"What was wrong, in the language that was asked for."`
	// Instance names the request, as X-Request-Id does.
	Instance string  `json:"instance,omitempty" doc:"The id of the request, as in the server's log."`
	Errors   []Fault `json:"errors,omitempty" doc:"What is wrong with single members of the request."`
	// More stands beside the others: what the kind of problem has to say.
	More any `json:"-"`

	RetryAfter time.Duration `json:"-"`
	// Authenticate is the WWW-Authenticate header, or "".
	Authenticate string `json:"-"`
	// Tag is the ETag header, or "".
	Tag ETag  `json:"-"`
	Err error `json:"-"` // the cause: logged, never shown
}

// Error implements error. It names codes and fields, and no value that was sent: it may be logged.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", p.Status, p.Code)
	for _, f := range p.Errors {
		fmt.Fprintf(&b, " %s=%s", f.Field, f.Code)
	}
	if p.Err != nil {
		fmt.Fprintf(&b, ": %v", p.Err)
	}
	return b.String()
}

// Unwrap returns the cause, so that errors.Is finds what storage returned.
func (p *Problem) Unwrap() error { return p.Err }

// Fail answers with the problem. It sets the status.
func Fail(w http.ResponseWriter, r *http.Request, p *Problem) {
	web.Note(r.Context(), "error", p.Code)
	if p.Status >= 500 && p.Err != nil {
		web.Note(r.Context(), "cause", p.Err.Error())
	}
	out := *p
	out.Type, out.Instance = typePrefix+p.Code, "urn:uuid:"+web.RequestOf(r.Context()).ID
	if out.Title == "" {
		out.Title = http.StatusText(p.Status)
	}
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", web.RetryAfter(p.RetryAfter))
	}
	if p.Authenticate != "" {
		w.Header().Set("WWW-Authenticate", p.Authenticate)
	}
	if p.Tag != "" {
		w.Header().Set("ETag", string(p.Tag))
	}
	if err := write(w, p.Status, "application/problem+json", out, p.More); err != nil {
		http.Error(w, out.Title, http.StatusInternalServerError)
	}
}

// Write answers with v; nil is 204 without a body. No cache may keep it.
func Write(w http.ResponseWriter, status int, v any) error {
	if v == nil {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return write(w, status, "application/json", v, nil)
}

// write joins the members of v and more, which have to be objects, into one.
func write(w http.ResponseWriter, status int, typ string, v, more any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	if more != nil {
		rest, err := encode(more)
		if err != nil {
			return err
		}
		if len(rest) > len("{}") {
			body = append(append(body[:len(body)-1], ','), rest[1:]...)
		}
	}
	h := w.Header()
	h.Set("Content-Type", typ)
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone
	return nil
}

// encode returns v as JSON in one line. It writes < and > as they are: bodies are no part of pages.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimRight(buf.Bytes(), "\n"), err
}

// malformed returns the problem of a body or header that cannot be read at all.
func malformed(detail string) error {
	return &Problem{Status: http.StatusBadRequest, Code: "malformed", Detail: detail}
}

// FromWeb returns an error of the protocol, or of no operation in particular, as an error of an API. One without a code
// gets that of its status.
func FromWeb(from *web.Problem) *Problem {
	p := &Problem{Status: from.Status, Code: from.Code, Detail: from.Program, Authenticate: from.Authenticate,
		RetryAfter: from.RetryAfter, Err: from}
	switch {
	case p.Code != "":
	case p.Status == http.StatusServiceUnavailable:
		p.Code = "temporarily_unavailable"
	case p.Status == http.StatusNotFound:
		p.Code = "not_found"
	case p.Status == http.StatusRequestEntityTooLarge:
		p.Code = "too_large"
	case p.Status >= 500:
		p.Code = "server_error"
	default:
		p.Code = "invalid_request"
	}
	return p
}
