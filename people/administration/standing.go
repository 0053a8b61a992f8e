package administration

import (
	"context"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Standing says what opens an account, and where its user is signed in.
type Standing struct {
	HasPassword, AuthenticatorApp, RecoveryCodes bool
	Passkeys, TrustedDevices, Sessions           int
	Identities                                   []string  // names of upstream providers
	LastSignIn, LastActivity                     time.Time // see storage.Standing
	Memberships                                  []storage.Membership
	Roles                                        []storage.RoleName // given to the user, not to a group
	// NewPassword says that the password has to be changed at the next sign-in.
	NewPassword bool
}

// Standing returns how the account of the user stands.
func (s *Accounts) Standing(ctx context.Context, a people.Asker, id string) (st Standing, err error) {
	credentials, err := s.Store.CredentialsOf(ctx, a.Tenant.ID, id)
	if err != nil {
		return st, err
	}
	for _, c := range credentials {
		switch c.Kind {
		case storage.PasswordCredential:
			st.HasPassword, st.NewPassword = true, !c.ExpiresAt.IsZero()
		case storage.TOTPCredential:
			st.AuthenticatorApp = true
		case storage.RecoveryCredential:
			st.RecoveryCodes = factor.HasRecovery(c.Data)
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
	standings, errStandings := s.Store.Standings(ctx, a.Tenant.ID, []string{id})
	st.LastSignIn, st.LastActivity = standings[id].LastSignIn, standings[id].LastActivity
	var errGroups, errRoles error
	st.Memberships, errGroups = s.Store.MembershipsOf(ctx, a.Tenant.ID, id)
	st.Roles, errRoles = s.Store.RolesGiven(ctx, a.Tenant.ID, storage.RoleHolder{User: id})
	return st, errors.Join(err, errSessions, errStandings, errGroups, errRoles)
}
