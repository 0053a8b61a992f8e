package people

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
)

// This file, too, exports helpers to the use cases that are still in package login: see bridge.go.

func (s *Service) Apply(ctx context.Context, u storage.User, ch storage.Change) error {
	return s.apply(ctx, u, ch)
}
func (s *Service) ChangeNotice(a Asker, u storage.User, text string, args ...any) ([]storage.Delivery, error) {
	return s.changeNotice(a, u, text, args...)
}
