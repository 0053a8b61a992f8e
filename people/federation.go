package people

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// This file exports to people/federation, and in part to the pages, what use cases there share with
// those of this package.

type (
	Issued = issued
)

const (
	CodeLife = codeLife
)

func (s *Service) NewCode(a Asker, purpose, target, userID string, data any, life time.Duration) (Issued, error) {
	return s.newCode(a, purpose, target, userID, data, life)
}
func (s *Service) TryCode(ctx context.Context, a Asker, purpose string, p Proof, data any) (storage.Code, error) {
	return s.tryCode(ctx, a, purpose, p, data)
}
func (s *Service) AllowSending(
	ctx context.Context, a Asker, channel, typed string, user storage.User, real bool,
) (vain bool, err error) {
	return s.allowSending(ctx, a, sending{channel, typed, user, real})
}
func (s *Service) Admit(ctx context.Context, a Asker, by ...limit.By) (*limit.Pass, error) {
	return s.admit(ctx, a, by...)
}
func (s *Service) AllowTrip(ctx context.Context, a Asker) (right func(userID string), err error) {
	return s.allowTrip(ctx, a)
}
func (a Asker) Began(name string) bool                                   { return a.began(name) }
func (s *Service) Observe(ctx context.Context, a Asker, e storage.Event) { s.observe(ctx, a, e) }
func (s *Service) ObserveSome(ctx context.Context, a Asker, e storage.Event) {
	s.observeSome(ctx, a, e)
}
func (s *Service) Compose(a Asker, to address.Recipient, template string, data any) (storage.Delivery, error) {
	return s.compose(a, to, template, data)
}
func (s *Service) Apply(ctx context.Context, u storage.User, ch storage.Change) error {
	return s.apply(ctx, u, ch)
}
func Dropped(m storage.Delivery) storage.Delivery { return dropped(m) }
func (s *Service) TakeBack(ctx context.Context, u *storage.User, ch *storage.Change) error {
	return s.takeBack(ctx, u, ch)
}
func ClaimAs(field, typed, none string) (address.Claimed, error) { return claimAs(field, typed, none) }
func NormalName(s string) (key string, ok bool)                  { return normalName(s) }
func OfDomain(email address.Claimed, domains []string) bool      { return ofDomain(email, domains) }

func (s *Service) NoteLink(a Asker, u storage.User, provider, kind, text string, ch *storage.Change) error {
	return s.noteLink(a, u, provider, kind, text, ch)
}
