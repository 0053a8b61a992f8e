package backchannel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// look is how often a worker looks for ends of sessions, and idle how often it does so while no client hears of them.
	look, idle = time.Second, 5 * time.Second
	// most is how many clients one replica tells at the same time. A tenant has at most mostOfTenant of them, and clients
	// that registered themselves, or that a URL names, mostOutside: they may be slow on purpose.
	most, mostOfTenant, mostOutside = 32, 16, 8
	// One client is told of inTurn ends, or for turn, before others have their turn.
	inTurn, turn = 100, 15 * time.Second
	// timeout bounds an attempt, and a claim of it lapses after lease.
	timeout, lease = 10 * time.Second, 30 * time.Second
	// parting is how long an attempt goes on when the server stops.
	parting = time.Second
	// longestWait is the longest pause between attempts: short, because users believe that they have signed out.
	longestWait = 10 * time.Minute
)

// Store is what a Worker reads and writes.
type Store interface {
	storage.Logouts
	Client(ctx context.Context, tenant, id string) (storage.Client, error)
	Tenant(ctx context.Context, id string) (storage.Tenant, error)
}

// Worker tells clients. Each replica runs one. Its exported fields are required.
type Worker struct {
	Store Store
	// Sign returns the logout token for the client.
	Sign  func(ctx context.Context, t storage.Tenant, c *storage.Client, l storage.Logout) (string, error)
	Reach outbound.Config // which addresses it may reach
	Log   *slog.Logger

	client *http.Client
	mu     sync.Mutex
	under  map[storage.ClientOf]bool // clients that are being told
}

// Run works until the context ends, and what is under way is done.
func (w *Worker) Run(ctx context.Context) {
	reach := w.Reach
	reach.Timeout = timeout
	w.client, w.under = webhooks.Client(reach), make(map[storage.ClientOf]bool)
	var under sync.WaitGroup
	defer under.Wait()
	for ctx.Err() == nil {
		due, heard, err := w.Store.WaitingClients(ctx, time.Now())
		if err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "look for logouts", "error", err)
		}
		rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] }) // none is always behind the others
		for _, c := range due {
			if ctx.Err() == nil && w.begin(c) {
				under.Go(func() {
					defer w.end(c)
					w.tell(ctx, c)
				})
			}
		}
		pause := look
		if err == nil && !heard {
			pause = idle
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause - pause/10 + rand.N(pause/5)):
		}
	}
}

// begin reports whether the client may be told now, and notes it.
func (w *Worker) begin(c storage.ClientOf) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	ofTenant, fromOutside := 0, 0
	for other := range w.under {
		if other.TenantID == c.TenantID {
			ofTenant++
		}
		if isOutside(other.ClientID) {
			fromOutside++
		}
	}
	if w.under[c] || len(w.under) >= most || ofTenant >= mostOfTenant ||
		isOutside(c.ClientID) && fromOutside >= mostOutside {
		return false
	}
	w.under[c] = true
	return true
}

// isOutside reports whether an id is as those of clients that no administrator added: a URL, or one that registration
// makes.
func isOutside(id string) bool { return strings.HasPrefix(id, "reg-") || strings.Contains(id, "://") }

// end notes that the client is not being told any more.
func (w *Worker) end(c storage.ClientOf) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.under, c)
}

// tell tells a client of what is due, one after the other.
func (w *Worker) tell(ctx context.Context, c storage.ClientOf) {
	began := time.Now()
	for i := 0; i < inTurn && time.Since(began) < turn && ctx.Err() == nil; i++ {
		now := time.Now()
		l, err := w.Store.ClaimLogout(ctx, c, now, now.Add(lease))
		if errors.Is(err, storage.ErrNotFound) {
			return
		}
		if err == nil {
			err = w.send(ctx, l)
		}
		if err != nil {
			if ctx.Err() == nil {
				w.Log.WarnContext(ctx, "tell of a logout", "tenant", c.TenantID, "client", c.ClientID, "error", err)
			}
			return
		}
	}
}

// send makes one attempt, and stores how it ended. When the server stops, an attempt ends soon, and the next one is
// made at once by another replica, or by the server when it is started again.
func (w *Worker) send(running context.Context, l storage.Logout) error {
	keep := context.WithoutCancel(running)
	sending, cancel := outbox.Parting(running, parting)
	defer cancel()
	r, gone, err := w.post(sending, l)
	if err != nil {
		return err // it is claimed again when the lease has lapsed
	}
	now := time.Now()
	l.Status, l.Took, l.Answer, l.NextAt = r.Status, r.Took, r.Answer, now.Add(webhooks.BackOff(l.Attempts, longestWait))
	taken := r.Status == http.StatusOK || r.Status == http.StatusNoContent
	switch {
	case taken, gone, r.Status == http.StatusBadRequest:
		// 400 says that the client could not end the session, or does not accept the token (section 2.8): it would not
		// accept the next one either.
		l.DoneAt, l.Dead = now, !taken
	case sending.Err() != nil:
		l.Answer, l.NextAt = "the server stopped before there was an answer", now
	case now.Sub(l.CreatedAt) > webhooks.GiveUp:
		l.DoneAt, l.Dead = now, true
	}
	if l.Dead {
		w.Log.WarnContext(keep, "a client was not told of a logout", "tenant", l.TenantID, "client", l.ClientID, "status",
			l.Status, "attempts", l.Attempts)
	}
	return w.Store.NoteLogout(keep, l)
}

// post tells the client once. gone says that it is not to be told any more.
func (w *Worker) post(ctx context.Context, l storage.Logout) (r webhooks.Result, gone bool, err error) {
	c, err := w.Store.Client(ctx, l.TenantID, l.ClientID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && (c.BackchannelLogoutURI == "" || c.Disabled) {
		return webhooks.Result{Answer: "the client is disabled, or has no backchannel_logout_uri any more"}, true, nil
	}
	if err != nil {
		return r, false, err
	}
	t, err := w.Store.Tenant(ctx, l.TenantID)
	if err != nil {
		return r, false, err
	}
	token, err := w.Sign(ctx, t, &c, l)
	if err != nil {
		return r, false, fmt.Errorf("sign logout token: %w", err)
	}
	// The body has the one parameter (section 2.5).
	return webhooks.Post(ctx, w.client, c.BackchannelLogoutURI, http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"},
	}, []byte(url.Values{"logout_token": {token}}.Encode())), false, nil
}
