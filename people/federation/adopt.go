package federation

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// proof is how it is known that an address belongs to the user who comes.
type proof int

const (
	byProvider  proof = iota // the provider says so
	byAuthority              // the provider has the last word about the address's domain
	byMail                   // a code that was sent there came back
)

// claim is an address that is proven to be that of the user who comes.
type claim struct {
	email address.Claimed
	proof proof
	code  string // the id of the code that has proven it, which is used up; "" for none
}

// adopt links the identity to the account that has the address, or makes an account.
func (s *Service) adopt(
	ctx context.Context, a people.Asker, p *upstream.Provider, who *Stranger, c claim,
) (storage.User, error) {
	tenant := a.Tenant.ID
	for again := range 2 {
		ch := storage.Change{TenantID: tenant, Now: time.Now(), Code: c.code, Spend: []storage.Spent{who.spends(tenant)}}
		u, err := s.accountFor(ctx, a, p, who, c, &ch)
		inTheWay := errors.Is(err, ErrProveAccount) || errors.Is(err, ErrProveEmail)
		if err == nil {
			_, err = s.ApplyProven(ctx, a, ch)
			switch {
			case err == nil:
				s.Mail.Stored()
				if err := s.syncGroups(ctx, a, u.ID, who); err != nil {
					return u, err
				}
				return s.Store.User(ctx, tenant, u.ID)
			case errors.Is(err, storage.ErrStale) && c.code != "":
				return u, people.ErrWrongCode
			case again == 1 || !errors.Is(err, storage.ErrExists) && !errors.Is(err, storage.ErrStale):
				return u, err
			}
		} else if !inTheWay {
			return u, err
		}
		// The same user may have come in another window since the identity was looked up, and
		// have got the account that is in the way now.
		known, missing := s.Store.Identity(ctx, tenant, p.ID, who.Subject)
		switch {
		case missing == nil:
			who.Proven = ""
			return s.returned(ctx, p, known, upstream.Identity{})
		case !errors.Is(missing, storage.ErrNotFound):
			return u, missing
		case inTheWay:
			return u, err
		}
	}
	return storage.User{}, storage.ErrStale
}

// accountFor adds to the change what links the identity to the account that has the address, or
// makes an account. Its refusals are ErrProveEmail, ErrProveAccount and ErrNotAdmitted.
func (s *Service) accountFor(
	ctx context.Context, a people.Asker, p *upstream.Provider, who *Stranger, c claim, ch *storage.Change,
) (storage.User, error) {
	u, err := s.Store.UserByEmail(ctx, a.Tenant.ID, c.email.Key())
	switch {
	case errors.Is(err, storage.ErrNotFound):
		if !admitsNew(a, p, c.email) {
			return u, ErrNotAdmitted
		}
		return newcomer(a, who, c.email, ch)
	case err != nil:
	case u.Disabled:
		err = ErrNotAdmitted
	case u.EmailVerified && c.proof != byAuthority:
		who.Proven, err = c.email.Shown(), ErrProveAccount
	case !u.EmailVerified && c.proof != byAuthority && c.proof != byMail:
		err = ErrProveEmail
	default:
		err = s.takeOver(ctx, a, who, &u, ch)
	}
	return u, err
}

// admitsNew reports whether users who have no account may get one by coming from p.
func admitsNew(a people.Asker, p *upstream.Provider, email address.Claimed) bool {
	rules := a.Tenant.Settings.SignUp
	return p.SignUp != storage.SignUpClosed && (rules.Mode == "" || rules.Mode == storage.SignUpOpen) &&
		people.OfDomain(email, rules.EmailDomains)
}

// newcomer adds an account for the owner of the address to the change.
func newcomer(a people.Asker, who *Stranger, email address.Claimed, ch *storage.Change) (storage.User, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return storage.User{}, err
	}
	u := storage.User{
		TenantID: ch.TenantID, ID: id.String(), EmailVerified: true,
		Profile: who.Profile, CreatedAt: ch.Now, UpdatedAt: ch.Now,
	}
	email.Give(&u)
	ch.UserID, ch.Add, ch.Link = u.ID, &u, []storage.Identity{who.identity(&u, ch.Now)}
	ch.Events = []storage.Event{a.Event(storage.Event{
		Kind: storage.EventUserAdded, UserID: u.ID, Detail: map[string]string{"upstream": who.Upstream},
	})}
	return u, nil
}

// takeOver adds the identity to an account whose address is proven to be that of the user who comes.
// If the address was not proven before, what was set up there until now may be an attacker's, and
// ends.
func (s *Service) takeOver(
	ctx context.Context, a people.Asker, who *Stranger, u *storage.User, ch *storage.Change,
) error {
	version := u.CredentialVersion
	ch.UserID, ch.Version = u.ID, &version
	if !u.EmailVerified {
		if err := s.TakeBack(ctx, u, ch); err != nil {
			return err
		}
	}
	ch.Link = []storage.Identity{who.identity(u, ch.Now)}
	return s.NoteLink(a, *u, who.Upstream, storage.EventIdentityLinked, "identity.linked_mail", ch)
}
