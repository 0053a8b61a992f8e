package storagetest

import (
	"strconv"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testBehind ends what grants rest on while codes are redeemed, and revokes then: no
// grant may come to be behind the back of that.
func testBehind(t *testing.T, s Store) {
	ctx := t.Context()
	for name, end := range map[string]func(w *world) error{
		"session": func(w *world) error {
			if err := endSession(ctx, s, w.tenant, w.session); err != nil {
				return err
			}
			_, err := revoke(ctx, s, w.tenant, storage.GrantFilter{SessionID: w.session}, "test", now)
			return err
		},
		"consent": func(w *world) error { return withdraw(ctx, s, w.tenant, w.user, w.client) },
	} {
		t.Run(name, func(t *testing.T) {
			for round := range 30 {
				w := newWorld(t, s)
				must(t, PutConsent(ctx, s, storage.Consent{TenantID: w.tenant, UserID: w.user, ClientID: w.client, GrantedAt: now}))
				race(racers, func(i int) error {
					if i == racers/2 {
						time.Sleep(time.Duration(round) * 100 * time.Microsecond) // in the midst of them
						return end(w)
					}
					g := aGrant(w.tenant, strconv.Itoa(i), w.user, w.client, w.session)
					g.Offline, g.Consented = true, name == "consent"
					return redeem(ctx, s, g)
				})
				living, err := s.GrantsOf(ctx, w.tenant, w.user, now)
				must(t, err)
				if len(living) > 0 {
					t.Fatalf("round %d: got %d living grants, want none", round, len(living))
				}
			}
		})
	}
}
