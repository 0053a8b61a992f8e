// Package audit completes events and writes those that are part of no change.
//
// There are two ways into the audit trail, and each has one guarantee:
//
//   - What changes something is an event of the storage.Change that makes it. It is recorded if and
//     only if the change happens: both are one transaction.
//   - What only observes, such as a refused sign-in or the second use of a code, goes through a Writer.
//     The observation is a fact whether or not it is recorded. A Writer therefore stores it even
//     when the request was cancelled meanwhile; when the database does not take it, the log has it,
//     and the request goes on.
//
// The package never decides what is recorded.
package audit

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Origin is the request that causes an event. It is zero for commands and for what no request causes.
type Origin struct{ RequestID, IP string }

// Event completes an event: it gets an id, the present moment and the origin. An event without an
// actor gets the user that it concerns as its actor. Event panics if the event fails its Check,
// because the code decides which kinds of events say what.
func (o Origin) Event(e storage.Event) storage.Event {
	if err := e.Check(); err != nil {
		panic("audit: " + err.Error())
	}
	e.ID, e.At = uuid.Must(uuid.NewV7()).String(), time.Now()
	e.RequestID, e.IP = o.RequestID, o.IP
	if e.Actor == "" {
		e.Actor = e.UserID
	}
	return e
}

// By completes an event as the doing of one actor, such as the command line.
type By func(storage.Event) storage.Event

// Actor returns the By of an actor that sends no requests.
func Actor(name string) By {
	return func(e storage.Event) storage.Event {
		e.Actor = name
		return Origin{}.Event(e)
	}
}

// Writer writes observations.
type Writer struct {
	Store interface {
		Record(ctx context.Context, e storage.Event) error
	}
	Log *slog.Logger // for what the store does not take
}

// Observe stores a completed event, or logs it.
func (w Writer) Observe(ctx context.Context, e storage.Event) {
	if err := w.Write(ctx, e); err != nil {
		w.Log.ErrorContext(ctx, "audit event not stored", "kind", e.Kind, "tenant", e.TenantID, "user", e.UserID,
			"client", e.ClientID, "request_id", e.RequestID, "error", err)
	}
}

// Write is Observe for commands, which tell their operator of the error.
func (w Writer) Write(ctx context.Context, e storage.Event) error {
	if err := w.Store.Record(context.WithoutCancel(ctx), e); err != nil {
		return fmt.Errorf("record %s: %w", e.Kind, err)
	}
	return nil
}
