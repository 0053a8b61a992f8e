// Package web holds what the protocol endpoints and the pages share of HTTP: the
// request's tenant, id and address, errors that travel up once, and headers.
//
// Two values live in the request's context: who asks (Request) and at which tenant.
// Middleware sets them, handlers read them, and below a handler they are arguments.
package web

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/google/uuid"
)

// Request is what the log line, the audit trail and the error page know of a request.
type Request struct {
	ID string // UUIDv7, made here: what a client sends is not believed
	IP string // the peer's address, or what a trusted proxy says it is
	// Route is the pattern that matched, "" when none did: set by the router, for metrics.
	Route string
	// Locales are the ui_locales of the authorization request that the request is part of, once the
	// protocol has read it: see SetLocales.
	Locales []string
	// Language is that of the answer, once a page has chosen it.
	Language string
	// attrs are added to the request's log line.
	attrs []slog.Attr
	// tenant is set by Tenancy.
	tenant *Tenant
}

type requestKey struct{}

// RequestOf is the request's; an empty one outside of Edge.
func RequestOf(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r
	}
	return &Request{}
}

// SetLocales notes the languages that a client's authorization request asks for. A page or message
// chooses its language anew.
func (r *Request) SetLocales(locales []string) { r.Locales, r.Language = locales, "" }

// Note adds to the request's log line: never a secret.
func Note(ctx context.Context, key, value string) {
	r := RequestOf(ctx)
	r.attrs = append(r.attrs, slog.String(key, value))
}

// exchange is a request and its answer at the edge.
type exchange struct {
	request  Request
	context  requestContext
	recorder recorder
	id       [1]string // the value of X-Request-Id
}

// Header is header lines that many answers share: their values are never changed. It is
// not a map, because to walk through one costs more than to fill another.
type Header []HeaderLine

// HeaderLine is one of them.
type HeaderLine struct {
	name   string
	values []string
}

// Line makes one. The name is in its canonical form.
func Line(name, value string) HeaderLine { return HeaderLine{name, []string{value}} }

// Set puts the lines in the place of those that h has under their names.
func (l Header) Set(h http.Header) {
	for _, line := range l {
		h[line.name] = line.values
	}
}

// RequestLine is the message of the line that the log has for every request. Its
// attributes are texts and whole numbers.
const RequestLine = "request"

// GivenUpLine is that of requests whose clients did not wait for the answer: of HTTP/2 there can
// be any number of them in a moment, and the log may count them.
const GivenUpLine = "request given up"

// Edge is the outermost middleware: it gives every request its Request, a limit on its
// body and an end, writes one log line and answers panics.
type Edge struct {
	// Timeout bounds what a request may wait for, whatever hangs below; 0 is for ever.
	Timeout time.Duration
	// MaxBody bounds what a request may send, in bytes; 0 is anything.
	MaxBody int64
	// AnswerTimeout bounds how long a client may take to receive what is written, each 64 KiB
	// of it; 0 leaves that to the server.
	AnswerTimeout time.Duration
	// MaxPerAddress bounds how many requests of one address are under way; 0 is any number.
	MaxPerAddress int
	// Unlimited are the networks without that bound.
	Unlimited []netip.Prefix
	// Refused, when set, is told of each request that was one too many.
	Refused func()
	// TrustedProxies may say for whom they ask. Of every other peer that is ignored.
	TrustedProxies []netip.Prefix
	// ClientIPHeader names the header in which they say it. "" is X-Forwarded-For, and
	// Forwarded (RFC 7239) for requests without it; where both name a client, it has to be one.
	ClientIPHeader string
	Log            *slog.Logger
	// Errors answers panics.
	Errors ErrorPage
	// Done, when set, is told of every request: for metrics.
	Done func(r *http.Request, status int, took time.Duration)

	unnamed, unreadable, disputed seldom
	crowd                         crowd
}

// Wrap puts the middleware around next.
func (e *Edge) Wrap(next http.Handler) http.Handler {
	e.crowd.seed = maphash.MakeSeed()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		ip := e.clientIP(r)
		if e.MaxPerAddress > 0 {
			counted, ok := e.admit(w, r, ip)
			if !ok {
				return
			}
			defer e.crowd.leave(counted)
		}
		x := &exchange{} // all that a request needs here, made at once
		req, ctx, rec := &x.request, &x.context, &x.recorder
		req.ID, req.IP = uuid.Must(uuid.NewV7()).String(), ip
		ctx.Context, ctx.request = r.Context(), req
		if e.Timeout > 0 {
			ctx.end = start.Add(e.Timeout)
		}
		defer ctx.release()
		r = r.WithContext(ctx)
		if e.MaxBody > 0 && r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(w, r.Body, e.MaxBody)
		}
		rec.ResponseWriter = w
		if e.AnswerTimeout > 0 {
			rec.patience = e.AnswerTimeout
			rec.deadline, _ = w.(deadliner)
		}
		x.id[0] = req.ID
		w.Header()["X-Request-Id"] = x.id[:]
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				e.Log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("request_id", req.ID), slog.Any("panic", p), slog.String("stack", stack()))
				if rec.status == 0 {
					e.Errors(rec, r, &Problem{Status: http.StatusInternalServerError})
				}
			}
			e.line(r, req, rec, start)
		}()
		next.ServeHTTP(rec, r)
		// HTTP/2 sends what is buffered when the handler is done, and then waits for the client:
		// the request has to be counted for as long.
		if e.MaxPerAddress > 0 && r.ProtoMajor > 1 {
			_ = http.NewResponseController(w).Flush() // a client that is gone needs no answer
		}
	})
}

func (e *Edge) line(r *http.Request, req *Request, rec *recorder, start time.Time) {
	end := time.Now()
	took := end.Sub(start)
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	if e.Done != nil {
		e.Done(r, rec.status, took)
	}
	level := slog.LevelInfo
	if rec.status >= 500 {
		level = slog.LevelError
	}
	if !e.Log.Enabled(r.Context(), level) {
		return
	}
	message := RequestLine
	if errors.Is(r.Context().Err(), context.Canceled) {
		message, level = GivenUpLine, slog.LevelInfo
	}
	// Straight to the handler: a Logger would look up where it was called from.
	line := slog.NewRecord(end, level, message, 0)
	// The path only: a query may hold codes and hints.
	line.AddAttrs(slog.String("request_id", req.ID), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes), slog.Int64("us", took.Microseconds()), slog.String("ip", req.IP))
	line.AddAttrs(req.attrs...)
	_ = e.Log.Handler().Handle(r.Context(), line) // as a Logger does: there is nowhere else to say it
}

// recorder notes status and size of an answer, and sets the time by which it has to be taken.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64

	deadline deadliner // nil: the server's own holds
	patience time.Duration
	due      int64 // at so many bytes the time is set anew
}

// deadliner is what net/http's writers have for http.ResponseController.
type deadliner interface{ SetWriteDeadline(time.Time) error }

// answerPiece is how much of an answer a client has to take in the time that it has, in bytes.
const answerPiece = 64 << 10

func (r *recorder) hurry() {
	if r.deadline != nil && r.bytes >= r.due {
		r.due = r.bytes + answerPiece
		_ = r.deadline.SetWriteDeadline(time.Now().Add(r.patience)) // a connection that is gone: the write tells
	}
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.hurry()
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.hurry()
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach what is below.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
