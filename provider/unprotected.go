package provider

import (
	"context"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// nameUnprotected names, once a day, in the log and the audit trail, a client whose code came without PKCE and without a
// nonce: nothing then tells its owner's code from one that an attacker put into another
// session (RFC 9700 section 4.5). The client has proven itself and its code had no
// challenge, so that no other party can have taken one away.
func (p codeGrant) nameUnprotected(ctx context.Context, s *session) {
	if s.code.ID == "" || s.code.Challenge != "" || s.code.Nonce != "" || s.client.Public() {
		return
	}
	if !p.unprotected.first(s.tenant.ID+"\x00"+s.client.ClientID, s.now) {
		return
	}
	if _, ok := p.Limits.Allow(ctx, s.tenant.ID, unprotectedNamed, s.client.ClientID); !ok {
		return // another replica named it
	}
	p.Log.WarnContext(ctx, "a client sends neither code_challenge nor nonce: switch PKCE on in its library, then set require_pkce",
		"tenant", s.tenant.ID, "client", s.client.ClientID)
	p.observe(ctx, storage.Event{TenantID: s.tenant.ID, Kind: storage.EventClientUnprotected, Actor: s.client.ClientID, ClientID: s.client.ClientID})
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

// first says whether the client was not named on this day (UTC) before, by this process.
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
