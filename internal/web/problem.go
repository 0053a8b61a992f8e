package web

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Problem is an error that a user or a client developer is shown. Every other error is a 500 with
// nothing but the request's id, or a 503 if storage is unavailable.
type Problem struct {
	Status int
	// Code is a registered OAuth error such as invalid_request, or "".
	Code string
	// Title is the id of the page's heading. "" stands for a heading that fits the status.
	Title string
	// Message is the id of the text that tells the user what was wrong and what to do. Args are put
	// into the text. Package login/texts has the texts.
	Message string
	Args    []any
	// Program replaces Message in answers to programs: one sentence in English that contains
	// nothing secret.
	Program string
	// Developer explains the problem to the developer of the client: what was wrong, what was
	// expected, and where to correct it. It is logged, and shown in development mode only. It does
	// not contain values from the request; see Got.
	Developer string
	// Got is the value that came with the request, and Expected are the values that would have been
	// accepted, such as redirect URIs. They are shown in development mode only, with the difference
	// marked.
	Got      string
	Expected []string
	// Elsewhere says that the page is shown at the host of an app, where the server's own pages are not: it has no
	// links to them.
	Elsewhere bool
	// OtherAccount is where a user may choose another account, or "".
	OtherAccount string
	// Authenticate is how a program has to authenticate, as the header WWW-Authenticate, if there is more to say than the
	// status does; "" elsewhere.
	Authenticate string
	// RetryAfter is sent as the header Retry-After, unless it is zero.
	RetryAfter time.Duration
	// Err is the cause. It is logged and never shown.
	Err error
}

// Error returns status, code, message id and cause, for logs.
func (p *Problem) Error() string {
	s := strconv.Itoa(p.Status) + " " + p.Code + " " + p.Message
	if p.Err != nil {
		s += ": " + p.Err.Error()
	}
	return s
}

func (p *Problem) Unwrap() error { return p.Err }

// ErrorPage writes the page for a Problem, including the status.
type ErrorPage func(w http.ResponseWriter, r *http.Request, p *Problem)

// AsProblem returns err as a Problem: the Problem that it wraps, or the one that stands for an
// error of storage, of a context, or for a body that is too large. All other errors become a 500.
func AsProblem(err error) *Problem {
	var p *Problem
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &tooBig):
		return &Problem{Status: http.StatusRequestEntityTooLarge, Message: "problem.too_large",
			Program: "The request is too large.", Err: err}
	case errors.Is(err, storage.ErrUnavailable), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, context.Canceled):
		return &Problem{Status: http.StatusServiceUnavailable, Message: "problem.unavailable",
			RetryAfter: time.Second, Err: err}
	}
	return &Problem{Status: http.StatusInternalServerError, Err: err}
}

// Handler returns a handler that calls h. If h returns an error, the error is logged and shown
// once. h must not have written anything by then.
func Handler(page ErrorPage, h func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			Fail(page, w, r, err)
		}
	})
}

// Fail adds err to the request's log line and shows it with page.
func Fail(page ErrorPage, w http.ResponseWriter, r *http.Request, err error) {
	p := AsProblem(err)
	if p.Status >= 500 {
		Note(r.Context(), "error", err.Error())
	} else if p.Code != "" {
		Note(r.Context(), "error", p.Code)
	}
	if p.Developer != "" && p.Status < 500 {
		Note(r.Context(), "why", p.Developer) // pages show it in development mode only
	}
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", RetryAfter(p.RetryAfter))
	}
	page(w, r, p)
}

// RetryAfter returns d in whole seconds, rounded up and at least 1 (RFC 9110 section 10.2.3).
func RetryAfter(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}

func stack() string { return string(debug.Stack()) }
