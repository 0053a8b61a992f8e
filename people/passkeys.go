package people

import (
	"context"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/passkey"
	"github.com/vouchsafe/vouchsafe/storage"
)

// openPasskey reads the record of a passkey. A record that was sealed with a master secret that is
// gone proves nothing, and must not keep its user from signing in another way.
func (s *Service) openPasskey(ctx context.Context, c storage.Credential) (k passkey.Passkey, ok bool) {
	plain, err := s.Secrets.Box(c.TenantID, secret.Passkey).Open(c.Data)
	if err == nil {
		k, err = passkey.Parse(plain)
	}
	if err != nil {
		s.Note(ctx, "error", "stored passkey of "+c.UserID+" cannot be read")
	}
	return k, err == nil
}

// PasskeyName returns what a passkey is called: by its owner, else by the product that keeps it.
func PasskeyName(w Words, k passkey.Passkey) string {
	if k.Name != "" {
		return k.Name
	}
	if maker := k.Maker(); maker != "" {
		return maker
	}
	return w.Must("passkeys.unnamed")
}
