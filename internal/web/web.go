// Package web holds the HTTP that protocol endpoints and pages share: the request's tenant, id and
// address, errors that travel up once, and headers.
//
// A request's context carries two values: the Request and the tenant. Middleware sets them and
// handlers read them. Below a handler they are arguments.
package web

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"
)

// exchange holds what Edge allocates for a request, so that it is one allocation.
type exchange struct {
	request  Request
	context  requestContext
	recorder recorder
	id       [1]string // the value of X-Request-Id
}

// Header is a list of header lines that many answers share. Their values must not be changed. It is
// not a map, because iterating over a map costs more than filling one.
type Header []HeaderLine

// HeaderLine is one name of a Header with its values.
type HeaderLine struct {
	name   string
	values []string
}

// Line returns a HeaderLine. The name must be in canonical form.
func Line(name, value string) HeaderLine { return HeaderLine{name, []string{value}} }

// Set sets the lines in h. They replace those that h has under the same names.
func (l Header) Set(h http.Header) {
	for _, line := range l {
		h[line.name] = line.values
	}
}

// RequestLine is the message of the log line that every request has. Its attributes are strings and
// integers.
const RequestLine = "request"

// GivenUpLine is the message of the log line in place of RequestLine if the client did not wait for
// the answer. An HTTP/2 client can cause any number of these at once, so that the log may count
// them instead of writing each.
const GivenUpLine = "request given up"

// Edge is the outermost middleware. It gives every request a Request, a deadline and a limit on its
// body, writes one log line, and answers panics.
type Edge struct {
	// Timeout bounds how long a request may wait in total, whatever it waits for. 0 means no bound.
	Timeout time.Duration
	// MaxBody bounds the body of a request, in bytes. 0 means no bound.
	MaxBody int64
	// AnswerTimeout bounds how long a client may take to receive each 64 KiB of the answer. 0
	// leaves the bound to the http.Server.
	AnswerTimeout time.Duration
	// MaxPerAddress bounds how many requests of one address run at the same time. 0 means no bound.
	MaxPerAddress int
	// Unlimited are networks to which MaxPerAddress does not apply.
	Unlimited []netip.Prefix
	// Refused, unless nil, is called for each request that MaxPerAddress refuses.
	Refused func()
	// TrustedProxies are the networks of proxies whose header names the client. The header is
	// ignored if it comes from another peer.
	TrustedProxies []netip.Prefix
	// ClientIPHeader is the name of the header in which proxies name the client. "" stands for
	// X-Forwarded-For and for Forwarded (RFC 7239): either may be missing, and if both are there
	// they must name the same client.
	ClientIPHeader string
	// Certificates says that certificates that clients present in TLS count; see ClientCertificates.
	Certificates bool
	// CertificateHeader is the name of the header in which trusted proxies pass a client's certificate; "" for none. It
	// counts in requests to the host of CertificatesURL alone: the proxy may pass on what clients send to others.
	CertificateHeader string
	CertificatesURL   *url.URL
	Log               *slog.Logger
	// Errors shows the page for a panic.
	Errors ErrorPage
	// Done, unless nil, is called after every request. Metrics use it.
	Done func(r *http.Request, status int, took time.Duration)

	unnamed, unreadable, disputed seldom
	crowd                         crowd
}

// Wrap returns next inside the middleware. It may be called once for each Edge.
func (e *Edge) Wrap(next http.Handler) http.Handler {
	e.crowd.seed = maphash.MakeSeed()
	var certificates func(*http.Request) (Certificates, error)
	if e.Certificates {
		certificates = e.clientCertificates
	}
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
		x := &exchange{} // one allocation for all that the middleware needs
		req, ctx, rec := &x.request, &x.context, &x.recorder
		req.ID, req.IP, req.answer = uuid.Must(uuid.NewV7()).String(), ip, w.Header()
		req.certificates = certificates
		ctx.Context, ctx.request = r.Context(), req
		if e.Timeout > 0 {
			ctx.end = start.Add(e.Timeout)
		}
		defer ctx.release()
		r = r.WithContext(ctx)
		if e.MaxBody > 0 && r.Body != http.NoBody {
			req.body = r.Body
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
				e.Log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("request_id", req.ID),
					slog.String("method", r.Method), slog.Any("panic", p), slog.String("stack", stack()))
				if rec.status == 0 {
					e.Errors(rec, r, &Problem{Status: http.StatusInternalServerError})
				}
			}
			e.line(r, req, rec, start)
		}()
		next.ServeHTTP(rec, r)
		// HTTP/2 sends the rest of the answer after the handler returns, and then waits for the
		// client. Flushing here keeps the request counted during that time.
		if e.MaxPerAddress > 0 && r.ProtoMajor > 1 {
			_ = http.NewResponseController(w).Flush() // no answer is owed to a client that is gone
		}
	})
}

// line calls Done and writes the request's log line.
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
	// The line goes to the handler itself, because a slog.Logger would look up its caller.
	line := slog.NewRecord(end, level, message, 0)
	// Only the path is logged: a query may contain codes and hints.
	line.AddAttrs(slog.String("request_id", req.ID), slog.String("method", r.Method),
		slog.String("path", cmp.Or(req.LoggedPath, r.URL.Path)),
		slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes), slog.Int64("us", took.Microseconds()),
		slog.String("ip", req.IP))
	line.AddAttrs(req.attrs...)
	// a Logger ignores this error, too: there is no other place to report it
	_ = e.Log.Handler().Handle(r.Context(), line)
}

// recorder records status and size of an answer, and moves the deadline by which the client has to
// read it.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64

	deadline deadliner // nil leaves the deadline to the http.Server
	patience time.Duration
	due      int64 // the number of bytes at which the deadline moves again
}

// deadliner is the method that net/http's response writers have for http.ResponseController.
type deadliner interface{ SetWriteDeadline(time.Time) error }

// answerPiece is the part of an answer that a client has to read within AnswerTimeout, in bytes.
const answerPiece = 64 << 10

// hurry moves the write deadline if the client has taken another answerPiece.
func (r *recorder) hurry() {
	if r.deadline != nil && r.bytes >= r.due {
		r.due = r.bytes + answerPiece
		// if the connection is gone, the next write reports it
		_ = r.deadline.SetWriteDeadline(time.Now().Add(r.patience))
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

// Unwrap returns the response writer below, for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// admit counts a request of the address ip, and returns the address that leave must get afterwards.
// If too many requests are under way, admit answers with status 503 and reports false. That answer
// has no body, because a client that does not read would keep it in memory.
func (e *Edge) admit(w http.ResponseWriter, r *http.Request, ip string) (counted string, ok bool) {
	counted = countedAddress(ip)
	if e.crowd.enter(counted, e.MaxPerAddress) {
		return counted, true
	}
	addr, err := netip.ParseAddr(ip)
	if err == nil && slices.ContainsFunc(e.Unlimited, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return counted, e.crowd.enter(counted, math.MaxInt)
	}
	if e.Refused != nil {
		e.Refused()
	}
	e.Log.WarnContext(r.Context(), "requests are refused: too many of their address are under way", "address", ip,
		"most", e.MaxPerAddress)
	w.Header()["Retry-After"] = []string{"1"}
	w.Header()["Content-Length"] = []string{"0"}
	w.WriteHeader(http.StatusServiceUnavailable)
	return "", false
}
