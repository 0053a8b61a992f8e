package people

import (
	"context"
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
	kinds := []string{storage.PasswordCredential, storage.OldPasswordCredential, storage.TOTPCredential,
		storage.RecoveryCredential, storage.PasskeyCredential}
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
	ch.Withdraw = storage.AllIDs // what was allowed to an attacker's client would be allowed to it again
	u.EmailVerified, u.Phone, u.PhoneVerified, u.UpdatedAt = true, "", false, ch.Now
	ch.Raise, ch.Update = true, u
	return nil
}
