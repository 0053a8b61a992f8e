package people

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ErrIdentityTaken says that an identity is linked to another user's account.
const ErrIdentityTaken = Refusal("identity.taken")

// Identities returns what the user has at upstream providers and can sign in with.
func (s *Service) Identities(ctx context.Context, u storage.User) ([]storage.Identity, error) {
	return s.Store.IdentitiesOf(ctx, u.TenantID, u.ID)
}

// LinkIdentity lets the user sign in with an identity at an upstream provider, and tells the user by
// mail. Nothing happens if it is linked already. Its refusal is ErrIdentityTaken.
func (s *Service) LinkIdentity(ctx context.Context, a Asker, u storage.User, provider string,
	id upstream.Identity,
) error {
	link := storage.Identity{
		TenantID: u.TenantID, Provider: provider, Subject: id.Subject, UserID: u.ID, Email: id.Email, CreatedAt: time.Now(),
	}
	ch := storage.Change{Link: []storage.Identity{link}}
	if err := s.NoteLink(a, u, provider, storage.EventIdentityLinked, "identity.linked_mail", &ch); err != nil {
		return err
	}
	err := s.Apply(ctx, u, ch)
	if errors.Is(err, storage.ErrExists) {
		return s.LinkedAlready(ctx, link)
	}
	return err
}

// LinkedAlready returns nil if the identity is linked to the same user, else ErrIdentityTaken. It stores the address
// that the account has there now.
func (s *Service) LinkedAlready(ctx context.Context, link storage.Identity) error {
	known, err := s.Store.Identity(ctx, link.TenantID, link.Provider, link.Subject)
	if err != nil || known.UserID != link.UserID {
		return ErrIdentityTaken
	}
	if link.Email == "" || link.Email == known.Email {
		return nil
	}
	return s.Store.SetIdentityEmail(ctx, link.TenantID, link.Provider, link.Subject, link.Email)
}

// UnlinkIdentity takes an identity away from the user, and tells the user by mail. Its refusal is
// ErrLastWayIn. storage.ErrNotFound: the user does not have the identity.
func (s *Service) UnlinkIdentity(ctx context.Context, a Asker, o Owner, provider, subject string) error {
	u := o.user
	ids, err := s.Identities(ctx, u)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(ids, func(i storage.Identity) bool { return i.Provider == provider && i.Subject == subject })
	if i < 0 {
		return storage.ErrNotFound
	}
	ch := storage.Change{Unlink: ids[i : i+1]}
	if err := s.NoteLink(a, u, provider, storage.EventIdentityUnlinked, "identity.unlinked_mail", &ch); err != nil {
		return err
	}
	return s.leavingAWayIn(ctx, a, u, ch)
}

// NoteLink adds an event of that kind to a change of what the user has at the provider, and the mail
// that tells the user, with the text of that id.
func (s *Service) NoteLink(a Asker, u storage.User, provider, kind, text string, ch *storage.Change) error {
	name, _ := s.UpstreamName(a.Tenant, provider)
	mails, err := s.ChangeNotice(a, u, text, name)
	if err != nil {
		return err
	}
	ch.Deliveries = append(ch.Deliveries, mails...)
	ch.Events = append(ch.Events,
		a.Event(storage.Event{Kind: kind, UserID: u.ID, Detail: map[string]string{"upstream": provider}}))
	return nil
}
