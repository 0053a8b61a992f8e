package sentry

import (
	"context"
	"log/slog"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// handler reports the errors of a log.
type handler struct {
	slog.Handler
	to *Reporter
}

// Handler returns h, which also reports what is an error.
func (r *Reporter) Handler(h slog.Handler) slog.Handler { return handler{h, r} }

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		h.to.report(ctx, r)
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler. The attributes are not reported.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.to}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name), h.to} }

// facts are the attributes of a record that reports look at. No other leaves the server.
type facts struct {
	requestID, method, status, kind, stack string
	err, panicked                          any
}

func factsOf(r slog.Record) (f facts) {
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "request_id":
			f.requestID = a.Value.String()
		case "method":
			f.method = a.Value.String()
		case "status":
			f.status = a.Value.String()
		case "kind":
			f.kind = a.Value.String()
		case "stack":
			f.stack = a.Value.String()
		case "error":
			f.err = a.Value.Any()
		case "panic":
			f.panicked = a.Value.Any()
		}
		return true
	})
	return f
}

// methods are those that a report names. A browser can send any word as the method.
var methods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true,
	"OPTIONS": true}

// report queues a report of a record, unless the same was reported in the last minute or the panic of this request was.
func (r *Reporter) report(ctx context.Context, record slog.Record) {
	f := factsOf(record)
	route := web.RequestOf(ctx).Route
	if !methods[f.method] {
		f.method = ""
	}
	if f.panicked == nil && f.requestID != "" && r.panicked(f.requestID) {
		return // the panic says more than the line of its request
	}
	times, ok := r.due(record.Message + "\x00" + route + "\x00" + f.status + "\x00" + f.stack)
	if !ok {
		return
	}
	e := r.newEvent(record.Time, "error")
	e.Transaction = route
	e.tag("request_id", f.requestID)
	e.tag("method", f.method)
	e.tag("status", f.status)
	e.tag("kind", f.kind)
	if times > 1 {
		e.Extra = map[string]any{"times": times}
	}
	x := &e.Exception.Values[0]
	x.Type, x.Value = cleared(record.Message), cleared(textOf(f.err))
	if record.Message == web.RequestLine {
		x.Type = "Answer " + f.status
	}
	if f.panicked != nil {
		r.notePanic(f.requestID)
		x.panicOf(f.panicked, f.stack)
	}
	r.push(e)
}
