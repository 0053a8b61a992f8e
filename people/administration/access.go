package administration

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// EndSession ends one of the user's sessions, with all that apps were given in it. storage.ErrNotFound: the session
// is another user's, or has ended.
func (s *Accounts) EndSession(ctx context.Context, a people.Asker, user, id string) error {
	all, err := s.Store.SessionsOf(ctx, a.Tenant.ID, user, time.Now())
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(sess storage.Session) bool { return sess.ID == id }) {
		// It may not be among the newest.
		if _, u, err := s.Store.Session(ctx, a.Tenant.ID, id, time.Now()); err != nil || u.ID != user {
			return cmp.Or(err, storage.ErrNotFound)
		}
	}
	return s.change(ctx, a, user, storage.Change{
		EndSessions: &storage.SessionFilter{IDs: []string{id}},
		Revoke: []storage.Revocation{{
			GrantFilter: storage.GrantFilter{UserID: user, SessionID: id}, Why: "session ended by an administrator",
		}},
	}, storage.Event{Kind: storage.EventSessionEnded, Detail: map[string]string{"session": id}})
}

// EndSessions ends all of the user's sessions, and revokes all that apps were given.
func (s *Accounts) EndSessions(ctx context.Context, a people.Asker, user string) error {
	return s.change(ctx, a, user, storage.Change{
		EndSessions: &storage.SessionFilter{},
		Revoke: []storage.Revocation{{
			GrantFilter: storage.GrantFilter{UserID: user}, Why: "signed out by an administrator",
		}},
		ForgetDevices: true,
	}, storage.Event{Kind: storage.EventSessionsEnded})
}

// RevokeGrant revokes one of the user's grants. storage.ErrNotFound: it is another user's, or has ended.
func (s *Accounts) RevokeGrant(ctx context.Context, a people.Asker, user, id string) error {
	g, err := s.Store.Grant(ctx, a.Tenant.ID, id)
	if err != nil {
		return err
	}
	if now := time.Now(); g.UserID != user || !g.RevokedAt.IsZero() || !g.ExpiresAt.After(now) {
		return storage.ErrNotFound
	}
	return s.change(ctx, a, user, storage.Change{Revoke: []storage.Revocation{{
		GrantFilter: storage.GrantFilter{ID: id, UserID: user}, Why: "revoked by an administrator",
	}}}, storage.Event{
		Kind: storage.EventGrantRevoked, ClientID: g.ClientID, Detail: map[string]string{"grant": id},
	})
}

// DisconnectApp withdraws the user's consent to a client, and revokes all that the client was given.
// storage.ErrNotFound: there is neither.
func (s *Accounts) DisconnectApp(ctx context.Context, a people.Asker, user, client string) error {
	return s.change(ctx, a, user, storage.Change{Withdraw: client},
		storage.Event{Kind: storage.EventConsentWithdrawn, ClientID: client})
}

// RemovePasskey removes one of the user's passkeys; with the last second factor also what stands in for it.
// storage.ErrNotFound: it is none of the user's.
func (s *Accounts) RemovePasskey(ctx context.Context, a people.Asker, user, id string) error {
	all, err := s.Store.CredentialsOf(ctx, a.Tenant.ID, user)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(c storage.Credential) bool {
		return c.Kind == storage.PasskeyCredential && c.ID == id
	})
	if i < 0 {
		return storage.ErrNotFound
	}
	ch := storage.Change{RemoveCredentials: []storage.CredentialKey{{Kind: storage.PasskeyCredential, ID: id}}}
	events := []storage.Event{{Kind: storage.EventPasskeyRemoved, Detail: map[string]string{"passkey": id}}}
	if had := storage.HasSecondFactor(all); had && !storage.HasSecondFactor(slices.Delete(all, i, i+1)) {
		for _, kind := range []string{storage.RecoveryCredential, storage.DeviceCredential} {
			ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: kind, ID: storage.AllIDs})
		}
		events = append(events, storage.Event{Kind: storage.EventFactorOff})
	}
	return s.change(ctx, a, user, ch, events...)
}

// Unlink takes an identity at an upstream provider away from the user. storage.ErrNotFound: the user has it not.
func (s *Accounts) Unlink(ctx context.Context, a people.Asker, user, provider, subject string) error {
	return s.change(ctx, a, user, storage.Change{Unlink: []storage.Identity{{Provider: provider, Subject: subject}}},
		storage.Event{Kind: storage.EventIdentityUnlinked, Detail: map[string]string{"upstream": provider}})
}

// change makes a change of the user with events about the user.
func (s *Accounts) change(
	ctx context.Context, a people.Asker, user string, ch storage.Change, events ...storage.Event,
) error {
	ch.TenantID, ch.UserID, ch.Now, ch.RoleWas = a.Tenant.ID, user, time.Now(), a.RoleWas(user)
	for _, e := range events {
		e.UserID = user
		ch.Events = append(ch.Events, a.Event(e))
	}
	return s.Store.Apply(ctx, ch)
}
