package login

import (
	"errors"
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/storage"
)

// takeBack adds to the change what the owner of an account's address is owed who proves
// the address for the first time: whoever made the account may have been a stranger who
// waited for them (Sudhodanan and Paverd, Pre-hijacked Accounts, USENIX Security 2022), so
// that all by which a stranger could come back is void. That is every credential but those
// that the change sets, every identity but those that it links, the phone number, sessions,
// grants, consents, and changes that wait for a code. u becomes the person as they are then.
func (s *Server) takeBack(r *http.Request, u *storage.User, ch *storage.Change) error {
	ctx := r.Context()
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
	// Not those that are there now: a stranger may be linking one this very moment.
	ch.Unlink = append(ch.Unlink, storage.Identity{Provider: storage.AllIDs})
	// What was allowed to a stranger's client would be allowed to it again. Done apart, and
	// first: a consent that is missing costs a click.
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
