package sessions

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Acting returns the account that an administrator uses in the browser in the place of its user. A browser holds
// the secret of that session as a value of its own, acting: no other function here takes it for a session, so that
// what is not made for administrators does not see it. It returns storage.ErrNotFound, without a read, if the
// browser holds no such value; also if the session has ended, and unless the browser holds the administrator's own
// session, too: the secret alone is worth nothing elsewhere.
func (k *Keeper) Acting(ctx context.Context, tenant, held, acting string) (Account, error) {
	tok, ok := parseToken(acting)
	if !ok {
		return Account{}, storage.ErrNotFound
	}
	sess, user, err := k.Store.ActedSession(ctx, tenant, tok.id, time.Now())
	if err != nil {
		return Account{}, err
	}
	hash := actingHash(tok.secret)
	if subtle.ConstantTimeCompare(hash[:], sess.SecretHash) != 1 {
		return Account{}, storage.ErrNotFound
	}
	tokens := parse(held)
	i := find(tokens, sess.Act.SessionID)
	if i < 0 {
		return Account{}, storage.ErrNotFound
	}
	own, err := k.account(ctx, tenant, tokens[i])
	if err == nil && own.UserID != sess.Act.ActorID {
		err = storage.ErrNotFound
	}
	return Account{sess, user, sess.CreatedAt}, err
}

// BeginActing stores a session that an administrator uses in the place of its user, with what also adds, and returns
// it with the value that the browser is to hold. sess says who the user and the administrator are, since when and by
// what proof of the administrator, and when the session ends.
func (k *Keeper) BeginActing(ctx context.Context, sess storage.Session, also Also) (storage.Session, string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return storage.Session{}, "", err
	}
	now := time.Now()
	tok := token{id.String(), secret.Token(), now}
	hash := actingHash(tok.secret)
	sess.ID, sess.SecretHash, sess.UserAgent = tok.id, hash[:], cut(sess.UserAgent, 256)
	sess.CreatedAt, sess.SeenAt = now, now
	if err := k.Store.Apply(ctx, also.in(sess, storage.Change{AddSession: &sess})); err != nil {
		return storage.Session{}, "", fmt.Errorf("add session of an administrator: %w", err)
	}
	return sess, tok.String(), nil
}

// EndActing ends a session that an administrator uses in the place of its user, with all that apps were given in it.
// event completes the event of that, which is recorded once, whatever else ends the session at the same time. why is
// a word for what ends it.
func (k *Keeper) EndActing(ctx context.Context, sess storage.Session, why string, event audit.By) error {
	err := k.Store.Apply(ctx, storage.Change{
		TenantID: sess.TenantID, UserID: sess.UserID, Now: time.Now(),
		EndSessions: &storage.SessionFilter{IDs: []string{sess.ID}},
		Revoke: []storage.Revocation{{
			GrantFilter: storage.GrantFilter{UserID: sess.UserID, SessionID: sess.ID}, Why: "session of an administrator ended",
		}},
		Events: []storage.Event{event(sess.ActEnded(why))}, RemoveActed: sess.ID,
	})
	if errors.Is(err, storage.ErrStale) {
		return nil
	}
	return err
}

// lapsedAtOnce is how many sessions RecordLapsed reads at a time.
const lapsedAtOnce = 100

// RecordLapsed records the end of sessions that administrators used, of all tenants, and that ended in another way than
// by EndActing: by their age, with the administrator's own session or role, or with what the user may do.
func (k *Keeper) RecordLapsed(ctx context.Context, now time.Time) error {
	for after := ""; ; {
		all, err := k.Store.LapsedSessions(ctx, after, lapsedAtOnce, now)
		if err != nil {
			return err
		}
		for _, sess := range all {
			if err := k.EndActing(ctx, sess, whyLapsed(sess, now), audit.Origin{}.Event); err != nil {
				return err
			}
			after = sess.ID
		}
		if len(all) < lapsedAtOnce {
			return nil
		}
	}
}

// whyLapsed returns a word for what has ended a session.
func whyLapsed(sess storage.Session, now time.Time) string {
	switch {
	case !sess.EndedAt.IsZero():
		return "ended"
	case !now.Before(sess.ExpiresAt):
		return "expired"
	}
	return "not allowed any more"
}

// actingHash returns the hash of the secret of an administrator's session. It differs from that of a user's own: a
// server of a release that does not know such sessions does not accept the secret.
func actingHash(secret string) [sha256.Size]byte { return sha256.Sum256([]byte("acting\x00" + secret)) }
