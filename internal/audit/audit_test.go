package audit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestAnEventIsCompleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bare := storage.Event{TenantID: "acme", Kind: storage.EventLoginSucceeded, UserID: "jo", ClientID: "app"}
		e := Origin{RequestID: "r1", IP: "192.0.2.1"}.Event(bare)
		if id, err := uuid.Parse(e.ID); err != nil || id.Version() != 7 {
			t.Errorf("got the id %q, want a UUIDv7", e.ID)
		}
		if !e.At.Equal(time.Now()) || e.RequestID != "r1" || e.IP != "192.0.2.1" {
			t.Errorf("got %+v, want the present moment and the request", e)
		}
		if e.Actor != "jo" || e.TenantID != "acme" || e.UserID != "jo" || e.ClientID != "app" {
			t.Errorf("got %+v, want the user as the actor, and the rest as it was", e)
		}
		bare.Actor = "anonymous"
		if e := (Origin{}).Event(bare); e.Actor != "anonymous" {
			t.Errorf("got the actor %q, want the one that was named", e.Actor)
		}
		e = Actor("cli")(storage.Event{TenantID: "acme", Kind: storage.EventKeyRemoved})
		if e.Actor != "cli" || e.ID == "" || e.RequestID != "" || e.IP != "" {
			t.Errorf("got %+v, want the event of a command, which has no request", e)
		}
	})
}

func TestAnEventOfTheWrongKindPanics(t *testing.T) {
	for name, e := range map[string]storage.Event{
		"unknown kind":             {TenantID: "acme", Kind: "login.imagined", UserID: "jo"},
		"no kind":                  {TenantID: "acme", UserID: "jo"},
		"user kind, no user":       {TenantID: "acme", Kind: storage.EventPasswordChanged},
		"client kind, no client":   {TenantID: "acme", Kind: storage.EventClientAdded},
		"client kind, a user":      {TenantID: "acme", Kind: storage.EventClientAdded, ClientID: "app", UserID: "jo"},
		"tenant kind, a user":      {TenantID: "acme", Kind: storage.EventKeyRotated, UserID: "jo"},
		"installation, one tenant": {TenantID: "acme", Kind: storage.EventSecretForgotten},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: it was completed", name)
				}
			}()
			Origin{}.Event(e)
		}()
	}
	for _, e := range []storage.Event{
		{TenantID: "acme", Kind: storage.EventLoginFailed}, // no user has the name
		{TenantID: "acme", Kind: storage.EventClientAdded, ClientID: "app"},
		{TenantID: storage.DefaultTenant, Kind: storage.EventSecretForgotten},
	} {
		Origin{}.Event(e)
	}
}

// trail keeps what is recorded, or fails.
type trail struct {
	err    error
	events []storage.Event
}

func (s *trail) Record(ctx context.Context, e storage.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.err == nil {
		s.events = append(s.events, e)
	}
	return s.err
}

func TestAnObservationIsStoredOrLogged(t *testing.T) {
	e := Origin{RequestID: "r1"}.Event(storage.Event{TenantID: "acme", Kind: storage.EventLoginFailed, UserID: "jo"})
	var log bytes.Buffer
	store := &trail{}
	w := Writer{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	w.Observe(gone, e) // the browser has hung up
	if len(store.events) != 1 || store.events[0].ID != e.ID || log.Len() > 0 {
		t.Errorf("got %+v and the log %q, want the event stored", store.events, log.String())
	}

	store.err = storage.ErrUnavailable
	w.Observe(t.Context(), e)
	for _, want := range []string{"level=ERROR", "kind=login.failed", "tenant=acme", "user=jo", "request_id=r1"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("got the log %q, want %s in it", log.String(), want)
		}
	}
	if err := w.Write(t.Context(), e); !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), e.Kind) {
		t.Errorf("got %v, want the failure with the kind of the event", err)
	}
}
