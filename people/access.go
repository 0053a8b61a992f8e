package people

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/storage"
)

// AccessRefusal returns why the user may not use the client, such as storage.RefusedGroup, or "". The user's groups
// are read only if the client asks for them.
func (s *Service) AccessRefusal(ctx context.Context, c *storage.Client, u *storage.User) (string, error) {
	var groups []string
	if len(c.Allow.Groups) > 0 {
		b, err := s.Store.Belonging(ctx, u.TenantID, u.ID)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return "", err
		}
		groups = b.Groups
	}
	return c.Allow.Refusal(u, groups), nil
}

// NoteRefusal records that the user came to the client and may not use it.
func (s *Service) NoteRefusal(ctx context.Context, a Asker, u storage.User, clientID, why string) {
	s.ObserveSome(ctx, a, storage.Event{
		Kind: storage.EventAccessRefused, UserID: u.ID, ClientID: clientID, Detail: map[string]string{"reason": why},
	})
}
