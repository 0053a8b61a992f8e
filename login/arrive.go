package login

import (
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	errProveEmail   = people.ErrProveEmail
	errProveAccount = people.ErrProveAccount
	errNotAdmitted  = people.ErrNotAdmitted
)

// proofOfEmail is how it is known that an address belongs to whoever comes.
type proofOfEmail int

const (
	saidByNobody    proofOfEmail = iota
	saidByProvider               // which says so
	saidByAuthority              // the provider has the last word about the address's domain
	saidByMail                   // a code that we sent there came back
)

// arrive signs in who came back from a provider, or has them prove what is missing.
func (s *Server) arrive(w http.ResponseWriter, r *http.Request, in *storage.Interaction, p *upstream.Provider, tr *trip, id upstream.Identity) error {
	who := newStranger(w, r, p, id)
	user, err := s.identify(r, p, who, id)
	since, now := provenWhen(id.ProvenAt, user, tr.Until.Add(-tripLife))
	if err == nil && tr.Fresh && !now {
		browser.SetCookie(w, r, staleCookie, p.ID, staleLife)
	}
	return s.settle(w, r, in, who, user, since, err)
}

// settle goes on as what came of the stranger demands, who has proven themselves since then.
func (s *Server) settle(w http.ResponseWriter, r *http.Request, in *storage.Interaction, who *stranger, user storage.User, since time.Time, err error) error {
	page := ""
	switch {
	case err == nil:
		// Another identity that waits goes on waiting: this may be how its owner proves the
		// account.
		if here := s.strangerHere(r); here != nil && here.Upstream == who.Upstream && here.Subject == who.Subject {
			if err := s.keepStranger(w, r, nil); err != nil {
				return err
			}
		}
		return s.provenSince(w, r, in, user, since, s.amr(r, who.AMR)...)
	case errors.Is(err, errProveEmail):
		page = "/federated/email"
	case errors.Is(err, errProveAccount):
		page = "/federated/link"
	case errors.Is(err, errNotAdmitted):
		return s.notAdmitted(r, who.Upstream)
	default:
		return err
	}
	if err := s.keepStranger(w, r, who); err != nil {
		return err
	}
	return seeOther(w, r, page)
}

func (s *Server) notAdmitted(r *http.Request, from string) error {
	name, _ := s.upstreamName(r, from)
	event := storage.Event{Kind: storage.EventLoginFailed, Actor: "anonymous", Detail: map[string]string{"reason": "not admitted", "upstream": from}}
	s.observeSome(r, event)
	return &web.Problem{Status: http.StatusForbidden, Title: "federated.closed_title", Message: "federated.closed", Args: []any{name}}
}

// identify finds whose identity it is, or makes it somebody's. An address alone never
// makes it that of an account that is there: only the account's owner can, and a provider
// that the tenant has declared to have the last word about the address.
func (s *Server) identify(r *http.Request, p *upstream.Provider, who *stranger, id upstream.Identity) (storage.User, error) {
	email, bad := address.Claim(id.Email)
	if len(p.Domains) > 0 && (bad != nil || !p.Admits(email, id)) {
		return storage.User{}, errNotAdmitted
	}
	known, err := s.Store.Identity(r.Context(), web.TenantOf(r.Context()).ID, p.ID, who.Subject)
	switch {
	case err == nil:
		return s.returned(r, p, known, id)
	case !errors.Is(err, storage.ErrNotFound):
		return storage.User{}, err
	case bad != nil || !id.EmailVerified:
		return storage.User{}, errProveEmail
	}
	proof := saidByProvider
	if p.SpeaksFor(email, id) {
		proof = saidByAuthority
	}
	return s.adopt(r, p, who, email, proof, "")
}

// returned is the owner of an identity that is linked.
func (s *Server) returned(r *http.Request, p *upstream.Provider, known storage.Identity, id upstream.Identity) (storage.User, error) {
	u, err := s.Store.User(r.Context(), known.TenantID, known.UserID)
	if err != nil {
		return u, err
	}
	if u.Disabled {
		return u, errNotAdmitted
	}
	if p.RefreshProfile {
		if fresh := refreshed(u.Profile, id.Profile); fresh != u.Profile {
			// Not by UpdateUser: it would undo what an administrator did this very moment.
			now, version := time.Now(), u.CredentialVersion
			u.Profile, u.UpdatedAt = fresh, now
			err := s.Store.Apply(r.Context(), storage.Change{TenantID: u.TenantID, UserID: u.ID, Now: now, Version: &version, Update: &u})
			if errors.Is(err, storage.ErrStale) {
				err = errNotAdmitted
			}
			return u, err
		}
	}
	return u, nil
}

// refreshed is a profile with what the provider says anew; of what it says nothing, the
// person may have said it here.
func refreshed(p, from storage.Profile) storage.Profile {
	for _, c := range claims.Standard.All() {
		if c.Upstream && *c.Text(&from) != "" {
			*c.Text(&p) = *c.Text(&from)
		}
	}
	return p
}

// adopt gives the identity to the account of an address, or makes one. code is the id of
// the code that has proven it, which is used up.
func (s *Server) adopt(r *http.Request, p *upstream.Provider, who *stranger, email address.Claimed, proof proofOfEmail, code string) (storage.User, error) {
	ctx, tenant := r.Context(), web.TenantOf(r.Context()).ID
	for again := range 2 {
		ch := storage.Change{TenantID: tenant, Now: time.Now(), Code: code, Spend: []storage.Spent{who.spends(tenant)}}
		u, err := s.Store.UserByEmail(ctx, tenant, email.Key())
		switch {
		case errors.Is(err, storage.ErrNotFound):
			if !s.admitsNew(r, p, email) {
				return u, errNotAdmitted
			}
			u, err = s.newcomer(r, who, email, &ch)
		case err != nil:
		case u.Disabled:
			err = errNotAdmitted
		case u.EmailVerified && proof != saidByAuthority:
			who.Proven, err = email.Shown(), errProveAccount
		case !u.EmailVerified && proof != saidByAuthority && proof != saidByMail:
			err = errProveEmail
		default:
			err = s.takeOver(r, who, &u, &ch)
		}
		inTheWay := errors.Is(err, errProveAccount) || errors.Is(err, errProveEmail)
		if err == nil {
			err = s.Store.Apply(ctx, ch)
			switch {
			case err == nil:
				s.Mail.Stored()
				return s.Store.User(ctx, tenant, u.ID)
			case errors.Is(err, storage.ErrStale) && code != "":
				return u, errWrongCode
			case again == 1 || !errors.Is(err, storage.ErrExists) && !errors.Is(err, storage.ErrStale):
				return u, err
			}
		} else if !inTheWay {
			return u, err
		}
		// The same person may have come in another window since the identity was looked up,
		// and have got the account that is in the way now.
		known, missing := s.Store.Identity(ctx, tenant, p.ID, who.Subject)
		switch {
		case missing == nil:
			who.Proven = ""
			return s.returned(r, p, known, upstream.Identity{})
		case !errors.Is(missing, storage.ErrNotFound):
			return u, missing
		case inTheWay:
			return u, err
		}
	}
	return storage.User{}, storage.ErrStale
}

// admitsNew says whether people who have no account may get one by coming from p.
func (s *Server) admitsNew(r *http.Request, p *upstream.Provider, email address.Claimed) bool {
	rules := web.TenantOf(r.Context()).Settings.SignUp
	return p.SignUp != storage.SignUpClosed && (rules.Mode == "" || rules.Mode == storage.SignUpOpen) &&
		people.OfDomain(email, rules.EmailDomains)
}

// newcomer adds an account for the owner of an address to the change.
func (s *Server) newcomer(r *http.Request, who *stranger, email address.Claimed, ch *storage.Change) (storage.User, error) {
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
	ch.Events = []storage.Event{
		s.event(r, storage.Event{Kind: storage.EventUserAdded, UserID: u.ID, Detail: map[string]string{"upstream": who.Upstream}}),
	}
	return u, nil
}

// takeOver adds the identity to an account whose address is proven to be that of whoever
// comes. If nobody has proven it before, what was set up there until now may be a
// stranger's, and is void.
func (s *Server) takeOver(r *http.Request, who *stranger, u *storage.User, ch *storage.Change) error {
	version := u.CredentialVersion
	ch.UserID, ch.Version = u.ID, &version
	if !u.EmailVerified {
		if err := s.takeBack(r, u, ch); err != nil {
			return err
		}
	}
	ch.Link = []storage.Identity{who.identity(u, ch.Now)}
	return s.noteLink(r, *u, who.Upstream, storage.EventIdentityLinked, "identity.linked_mail", ch)
}

// noteLink adds to a change of what the user has at a provider its event and its mail.
func (s *Server) noteLink(r *http.Request, u storage.User, from, kind, text string, ch *storage.Change) error {
	return s.NoteLink(s.askerOf(r), u, from, kind, text, ch)
}
