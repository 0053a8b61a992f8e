package people

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

// This file exports helpers to the use cases that are still in package login. Nothing new
// belongs here: move the use case instead, and delete what it was the last to need.

type (
	Issued = issued
	Guess  struct{ guess }
)

const (
	MaxEmail  = maxEmail
	CodeLife  = codeLife
	CodeTries = codeTries
)

func (g Guess) Person() string             { return g.person }
func (g Guess) Known() bool                { return g.known }
func (g Guess) Vain() bool                 { return g.vain }
func (g Guess) Right(ctx context.Context)  { g.right(ctx) }
func (g Guess) Unseen(ctx context.Context) { g.unseen(ctx) }

func MakeCode(secrets *secret.Masters, tenant, purpose, target, userID string, data any, life time.Duration) (Issued, error) {
	return makeCode(secrets, tenant, purpose, target, userID, data, life)
}
func (s *Service) NewCode(a Asker, purpose, target, userID string, data any, life time.Duration) (Issued, error) {
	return s.newCode(a, purpose, target, userID, data, life)
}
func (s *Service) NewOwnCode(a Asker, owner, purpose, target, userID string, data any) (Issued, error) {
	return s.newOwnCode(a, owner, purpose, target, userID, data)
}
func (s *Service) TryCode(ctx context.Context, a Asker, purpose string, p Proof, data any) (storage.Code, error) {
	return s.tryCode(ctx, a, purpose, p, data)
}
func (s *Service) Flow(ctx context.Context, a Asker, purpose, id string, data any) error {
	return s.flow(ctx, a, purpose, id, data)
}
func (s *Service) OpenCode(code storage.Code, data any) error { return s.openCode(code, data) }
func (s *Service) AllowSending(ctx context.Context, a Asker, channel, typed string, user storage.User, real bool) (vain bool, err error) {
	return s.allowSending(ctx, a, sending{channel, typed, user, real})
}
func (s *Service) Admit(ctx context.Context, a Asker, by ...limit.By) (*limit.Pass, error) {
	return s.admit(ctx, a, by...)
}
func (s *Service) AllowGuess(ctx context.Context, a Asker, user storage.User, key string) (Guess, error) {
	g, err := s.allowGuess(ctx, a, user, key)
	return Guess{g}, err
}
func (s *Service) AllowForm(ctx context.Context, a Asker) error { return s.allowForm(ctx, a) }
func (s *Service) AllowTrip(ctx context.Context, a Asker) (right func(userID string), err error) {
	return s.allowTrip(ctx, a)
}
func (s *Service) AllowFactor(ctx context.Context, a Asker, user storage.User) (right func(), err error) {
	return s.allowFactor(ctx, a, user)
}
func (s *Service) WrongProof(ctx context.Context, a Asker) error { return s.wrongProof(ctx, a) }
func (s *Service) ToTarget(target, network string, quiet bool) []limit.By {
	return s.toTarget(target, network, quiet)
}
func (a Asker) KnownDevice(user storage.User) (device string, ok bool)   { return a.knownDevice(user) }
func (a Asker) Began(name string) bool                                   { return a.began(name) }
func (a Asker) CodeOwner() string                                        { return a.codeOwner() }
func (a Asker) UsesPasswords() bool                                      { return a.usesPasswords() }
func (a Asker) Event(e storage.Event) storage.Event                      { return a.event(e) }
func (s *Service) Observe(ctx context.Context, a Asker, e storage.Event) { s.observe(ctx, a, e) }
func (s *Service) ObserveSome(ctx context.Context, a Asker, e storage.Event) {
	s.observeSome(ctx, a, e)
}
func (s *Service) Compose(a Asker, to address.Recipient, template string, data any) (storage.Delivery, error) {
	return s.compose(a, to, template, data)
}
func (s *Service) Decoy(a Asker, to address.Recipient, data any) (storage.Delivery, error) {
	return s.decoy(a, to, data)
}
func Dropped(m storage.Delivery) storage.Delivery { return dropped(m) }
func (s *Service) Notice(a Asker, u storage.User, template string, data map[string]string) ([]storage.Delivery, error) {
	return s.notice(a, u, template, data)
}
func (s *Service) HashOf(ctx context.Context, a Asker, faults Faults, secret string, about ...string) ([]byte, error) {
	return s.hashOf(ctx, a, faults, secret, about...)
}
func (s *Service) PasswordChange(ctx context.Context, a Asker, u storage.User, field, secret string) (storage.Change, error) {
	return s.passwordChange(ctx, a, u, field, secret)
}
func (s *Service) SettingPassword(ctx context.Context, a Asker, u storage.User, secret string) (storage.Change, error) {
	return s.settingPassword(ctx, a, u, secret)
}
func (s *Service) TakeBack(ctx context.Context, u *storage.User, ch *storage.Change) error {
	return s.takeBack(ctx, u, ch)
}
func Evenly(ctx context.Context, start time.Time)                { evenly(ctx, start) }
func RecipientOf(u storage.User) address.Recipient               { return recipientOf(u) }
func ClaimAs(field, typed, none string) (address.Claimed, error) { return claimAs(field, typed, none) }
func NormalName(s string) (key string, ok bool)                  { return normalName(s) }
func IsClosed(u storage.User) bool                               { return isClosed(u) }
func KeepFormer(ch *storage.Change, creds []storage.Credential, kinds ...string) {
	keepFormer(ch, creds, kinds...)
}

func (a Asker) ClaimName(typed string) (username.Claimed, Faults) { return a.claimName(typed) }
func OfDomain(email address.Claimed, domains []string) bool       { return ofDomain(email, domains) }

func (s *Service) ComposeText(a Asker, to string, code Issued) (storage.Delivery, error) {
	return s.composeText(a, to, code)
}
func (a Asker) Offers(method string) bool { return a.offers(method) }
