package importing

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Export writes the users of the asker's tenant as JSON lines that Import can read, with their password hashes if
// hashes says so, and records the event.
func Export(ctx context.Context, s Store, a people.Asker, to io.Writer, hashes bool) error {
	w := bufio.NewWriter(to)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	page := func(after string) ([]storage.User, error) { return s.Users(ctx, a.Tenant.ID, after, listing.PageSize) }
	for u, err := range listing.All(page, func(u storage.User) string { return u.ID }) {
		if err != nil {
			return err
		}
		row := rowOf(u)
		if hashes {
			if row.PasswordHash, err = hashOf(ctx, s, u); err != nil {
				return err
			}
		}
		if err := enc.Encode(row); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	exported := a.Event(storage.Event{Kind: storage.EventUsersExported,
		Detail: map[string]string{"hashes": strconv.FormatBool(hashes)}})
	return audit.Writer{Store: s}.Write(ctx, exported)
}

// rowOf returns the user as a row without a hash.
func rowOf(u storage.User) Row {
	return Row{
		ID: u.ID, ExternalID: u.ExternalID, Email: u.Email, EmailVerified: u.EmailVerified, Username: u.Username,
		Phone: u.Phone, PhoneVerified: u.PhoneVerified, Profile: u.Profile, Attributes: u.Attributes, Roles: u.Roles,
		Disabled:  u.Disabled,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}

// hashOf returns the password hash of the user as JSON; nil for none.
func hashOf(ctx context.Context, s Store, u storage.User) (json.RawMessage, error) {
	cred, err := s.Credential(ctx, u.TenantID, u.ID, storage.PasswordCredential, "")
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(string(cred.Data))
}
