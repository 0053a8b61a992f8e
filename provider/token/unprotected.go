package token

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// unprotectedClients names clients whose codes come without PKCE and without a nonce.
type unprotectedClients struct {
	limits  *limit.Limiter
	log     *slog.Logger
	observe func(ctx context.Context, e storage.Event)
	today   daily
}

// name names, once a day, in the log and the audit trail, a client whose code came without PKCE and
// without a nonce: nothing then tells its owner's code from one that an attacker put into another
// session (RFC 9700 section 4.5). The client has authenticated and its code had no challenge, so that no
// other party can have taken one away.
func (u *unprotectedClients) name(ctx context.Context, q *tokenRequest) {
	if q.code.ID == "" || q.code.CodeChallenge != "" || q.code.Nonce != "" || q.client.Public() {
		return
	}
	if !u.today.first(q.tenant.ID+"\x00"+q.client.ClientID, q.now) {
		return
	}
	if _, ok := u.limits.Allow(ctx, q.tenant.ID, web.RequestOf(ctx).IP, unprotectedNamed, q.client.ClientID); !ok {
		return // another replica named it
	}
	u.log.WarnContext(ctx, "a client sends neither code_challenge nor nonce: switch PKCE on in its library, "+
		"then set require_pkce", "tenant", q.tenant.ID, "client", q.client.ClientID)
	u.observe(ctx, storage.Event{
		TenantID: q.tenant.ID, Kind: storage.EventClientUnprotected, Actor: q.client.ClientID, ClientID: q.client.ClientID,
	})
}

// unprotectedNamed bounds how often all replicas together name one client.
var unprotectedNamed = limit.Rule{Name: "client-unprotected", Max: 1, Window: 23 * time.Hour}

// daily remembers which clients were named today. The zero value is ready.
type daily struct {
	mu    sync.Mutex
	day   time.Time
	named map[string]struct{}
}

// maxNamed bounds what is remembered; clients beyond it are named again.
const maxNamed = 10_000

// first reports whether the client was not named on this day (UTC) before, by this process.
func (d *daily) first(k string, now time.Time) bool {
	day := now.UTC().Truncate(24 * time.Hour)
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.day.Equal(day) || len(d.named) >= maxNamed {
		d.day, d.named = day, map[string]struct{}{}
	}
	_, before := d.named[k]
	d.named[k] = struct{}{}
	return !before
}
