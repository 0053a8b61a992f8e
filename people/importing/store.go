package importing

import (
	"context"
	"errors"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Store adds the user, with the events; an authenticator app, recovery codes and passkeys are sealed with the master
// secrets, which may be nil for a user without. The first administrator spends the link by which one is made.
// storage.ErrExists: the id was given before, or another user has the address or the name.
func (c Checked) Store(ctx context.Context, s storage.Changes, masters *secret.Masters, events ...storage.Event) error {
	u := c.User
	ch := storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: u.UpdatedAt, Add: &u, Events: events}
	ch.Credentials = c.credentials(masters)
	is := u.AdminRole != "" || slices.Contains(u.Roles, storage.RoleAdmin)
	if is && u.TenantID == storage.DefaultTenant {
		ch.Spend = []storage.Spent{storage.FirstAdministrator()}
	}
	ch.Link, ch.Unique = c.Identities, c.Unique
	c.Moved.keep(&ch, u)
	err := s.Apply(ctx, ch)
	if errors.Is(err, storage.ErrStale) && ch.Spend != nil { // there is an administrator
		ch.Spend = nil
		err = s.Apply(ctx, ch)
	}
	return err
}

// keep adds to the change what is kept of the user who is added.
func (m Moved) keep(ch *storage.Change, u storage.User) {
	if m.Number != 0 {
		ch.Numbers = append(ch.Numbers,
			storage.AccountNumber{TenantID: u.TenantID, Number: m.Number, UserID: u.ID, CreatedAt: u.UpdatedAt})
	}
	if !m.LastSignIn.IsZero() {
		ch.LastUses = append(ch.LastUses, storage.LastUse{UserID: u.ID, SignedIn: m.LastSignIn})
	}
}

// credentials returns what proves the user, as it is stored.
func (c Checked) credentials(masters *secret.Masters) (all []storage.Credential) {
	u := c.User
	prove := func(kind, id string, data []byte) {
		all = append(all, storage.Credential{
			TenantID: u.TenantID, UserID: u.ID, Kind: kind, ID: id, Data: data, CreatedAt: u.UpdatedAt, UpdatedAt: u.UpdatedAt,
		})
	}
	if c.Hash != nil {
		prove(storage.PasswordCredential, "", c.Hash)
		all[0].CreatedAt, all[0].UpdatedAt = u.CreatedAt, u.CreatedAt // the import did not change it
		if at := c.Moved.PasswordChanged; at.After(u.CreatedAt) {
			all[0].UpdatedAt = at
		}
		if c.Moved.Expired {
			all[0].ExpiresAt = u.UpdatedAt
		}
	}
	if c.TOTP != nil {
		prove(storage.TOTPCredential, "", people.SealTOTP(masters, u, *c.TOTP))
	}
	// Passkeys are a second factor together with recovery codes alone: where they were one, there is a set without codes.
	if codes, _ := factor.ImportRecovery(u.ID, c.Recovery); codes.Left() > 0 || c.SecondFactor {
		prove(storage.RecoveryCredential, "", people.SealRecovery(masters, u, codes))
	}
	for _, k := range c.Passkeys {
		prove(storage.PasskeyCredential, k.id, people.SealPasskey(masters, u.TenantID, k.data))
	}
	return all
}
