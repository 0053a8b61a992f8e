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

// Problem is an error that a person is shown. Every other error is a 500 with the
// request's id and nothing else, or a 503 when storage is unavailable.
type Problem struct {
	Status int
	// Code is the registered OAuth error, such as invalid_request, or "".
	Code string
	// Title is the id of the page's heading; "" for one that fits the status.
	Title string
	// Message is the id of the text that tells the user what was wrong and what to do, with Args
	// put in. Package login/texts has the texts.
	Message string
	Args    []any
	// Program is what a program is told instead of Message: a sentence in English that everyone may
	// read.
	Program string
	// Developer says it to whoever writes the client: what was wrong, what was
	// expected, where to mend it. Shown in development mode only, and logged: what came
	// with the request is Got's.
	Developer string
	// Got is the value that came and Expected those that would have been taken, such
	// as redirect URIs. Shown, with the difference marked, in development mode only.
	Got      string
	Expected []string
	// RetryAfter, when set, is sent as Retry-After.
	RetryAfter time.Duration
	// Err is the cause: logged, never shown.
	Err error
}

func (p *Problem) Error() string {
	s := strconv.Itoa(p.Status) + " " + p.Code + " " + p.Message
	if p.Err != nil {
		s += ": " + p.Err.Error()
	}
	return s
}

func (p *Problem) Unwrap() error { return p.Err }

// ErrorPage shows a Problem. It sets the status.
type ErrorPage func(w http.ResponseWriter, r *http.Request, p *Problem)

// AsProblem is err as a Problem: itself, or what the errors of storage and context
// come to at the door.
func AsProblem(err error) *Problem {
	var p *Problem
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &tooBig):
		return &Problem{Status: http.StatusRequestEntityTooLarge, Message: "problem.too_large", Program: "The request is too large.", Err: err}
	case errors.Is(err, storage.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &Problem{Status: http.StatusServiceUnavailable, Message: "problem.unavailable", RetryAfter: time.Second, Err: err}
	}
	return &Problem{Status: http.StatusInternalServerError, Err: err}
}

// Handler serves h; an error that h returns, having written nothing, travels here
// and is shown once.
func Handler(page ErrorPage, h func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			Fail(page, w, r, err)
		}
	})
}

// Fail notes err on the log line and shows it.
func Fail(page ErrorPage, w http.ResponseWriter, r *http.Request, err error) {
	p := AsProblem(err)
	if p.Status >= 500 {
		Note(r.Context(), "error", err.Error())
	} else if p.Code != "" {
		Note(r.Context(), "error", p.Code)
	}
	if p.Developer != "" && p.Status < 500 {
		Note(r.Context(), "why", p.Developer) // pages say it in development alone
	}
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", RetryAfter(p.RetryAfter))
	}
	page(w, r, p)
}

// RetryAfter is d in whole seconds, at least one (RFC 9110 section 10.2.3).
func RetryAfter(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}

func stack() string { return string(debug.Stack()) }
