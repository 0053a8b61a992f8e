package administration

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Standing says what opens an account, and where its user is signed in.
type Standing struct {
	HasPassword, AuthenticatorApp, RecoveryCodes bool
	Passkeys, TrustedDevices, Sessions           int
	Identities                                   []string  // names of upstream providers
	LastSignIn                                   time.Time // zero if there is no record of one
}

// signIns is how many of the newest events about a user are searched for the last sign-in.
const signIns = 200

// Standing returns how the account of the user stands.
func (s *Accounts) Standing(ctx context.Context, a people.Asker, id string) (st Standing, err error) {
	credentials, err := s.Store.CredentialsOf(ctx, a.Tenant.ID, id)
	if err != nil {
		return st, err
	}
	for _, c := range credentials {
		switch c.Kind {
		case storage.PasswordCredential:
			st.HasPassword = true
		case storage.TOTPCredential:
			st.AuthenticatorApp = true
		case storage.RecoveryCredential:
			st.RecoveryCodes = true
		case storage.PasskeyCredential:
			st.Passkeys++
		case storage.DeviceCredential:
			st.TrustedDevices++
		}
	}
	identities, err := s.Store.IdentitiesOf(ctx, a.Tenant.ID, id)
	for _, i := range identities {
		st.Identities = append(st.Identities, i.Provider)
	}
	sessions, errSessions := s.Store.SessionsOf(ctx, a.Tenant.ID, id, time.Now())
	st.Sessions = len(sessions)
	events, errEvents := s.Store.EventsOf(ctx, a.Tenant.ID, id, "", signIns)
	for _, e := range events {
		if e.Kind == storage.EventLoginSucceeded {
			st.LastSignIn = e.At
			break
		}
	}
	return st, errors.Join(err, errSessions, errEvents)
}
