package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// apply makes a change to an account whose credentials must not have changed since u was read, and
// has its mails sent. Its refusal is ErrChangedMeanwhile, which is storage.ErrStale too.
func (s *Service) apply(ctx context.Context, u storage.User, ch storage.Change) error {
	ch.Version = &u.CredentialVersion
	return s.applyAnyVersion(ctx, u, ch)
}

// applyAnyVersion is apply for changes that do not depend on the account's credentials.
func (s *Service) applyAnyVersion(ctx context.Context, u storage.User, ch storage.Change) error {
	ch.TenantID, ch.UserID, ch.Now = u.TenantID, u.ID, time.Now()
	err := s.Store.Apply(ctx, ch)
	if errors.Is(err, storage.ErrStale) {
		return fmt.Errorf("%w: %w", ErrChangedMeanwhile, err)
	}
	if err != nil {
		return err
	}
	if len(ch.Deliveries) > 0 {
		s.Mail.Stored()
	}
	return nil
}

// changeNotice returns the mail that tells a user what changed in the account, to be stored with the
// change: the text with the given id.
func (s *Service) changeNotice(a Asker, u storage.User, text string, args ...any) ([]storage.Delivery, error) {
	w := s.Words(a.Language)
	return s.notice(a, u, "account-changed", map[string]string{
		"What": w.Must(text, args...), "Device": w.Device(a.UserAgent), "IP": a.Address, "Link": a.Tenant.URL("/account"),
	})
}
