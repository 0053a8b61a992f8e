package people

import (
	"context"
	"errors"
	"slices"

	"github.com/vouchsafe/vouchsafe/storage"
)

// takeBack adds to the change what the owner of an account's address is owed when the owner
// proves the address for the first time. The account may have been made by an attacker who
// waited for the owner (Sudhodanan and Paverd, Pre-hijacked Accounts, USENIX Security 2022), so
// that everything by which an attacker could come back ends: every credential but those that
// the change sets, every identity but those that it links, the phone number, sessions, grants,
// consents, and changes that wait for a code. u becomes the user as the change leaves it.
func (s *Service) takeBack(ctx context.Context, u *storage.User, ch *storage.Change) error {

	creds, err := s.Store.CredentialsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return err
	}
	kinds := []string{storage.PasswordCredential, storage.OldPasswordCredential, storage.TOTPCredential, storage.RecoveryCredential, storage.PasskeyCredential}
	for _, c := range creds {
		if !slices.Contains(kinds, c.Kind) {
			kinds = append(kinds, c.Kind)
		}
	}
	for _, kind := range kinds {
		ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: kind, ID: storage.AllIDs})
	}
	// All, and not those that exist now: an attacker may be linking one at this very moment.
	ch.Unlink = append(ch.Unlink, storage.Identity{Provider: storage.AllIDs})
	// What was allowed to an attacker's client would be allowed to it again. Consents are removed
	// apart and first: a consent that is missing costs a click.
	consents, err := s.Store.ConsentsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return err
	}
	for _, c := range consents {
		if err := s.Store.RemoveConsent(ctx, u.TenantID, u.ID, c.ClientID, ch.Now); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	u.EmailVerified, u.Phone, u.PhoneVerified, u.UpdatedAt = true, "", false, ch.Now
	ch.Raise, ch.Update = true, u
	return nil
}
