package people

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// InvitationLife is how long an invitation can be accepted.
const InvitationLife = 7 * 24 * time.Hour

// ErrInvitationGone says that an invitation was accepted, or is too old.
const ErrInvitationGone = Refusal("signup.invite_gone")

// invitation is what is sealed in an invitation.
type invitation struct{ Email string }

// Invitation is an invitation that was made.
type Invitation struct {
	Link      string // makes an account, once
	ExpiresAt time.Time
}

// Invite invites the owner of an e-mail address to sign up, by a mail with the link. Its refusals are
// ErrSignUpClosed and ErrAccountExists.
func (s *Service) Invite(ctx context.Context, a Asker, email string) (Invitation, error) {
	if err := s.MaySignUp(a, true); err != nil {
		return Invitation{}, err
	}
	to, err := claimAs("email", email, "signup.bad_email")
	if err != nil {
		return Invitation{}, err
	}
	switch _, err := s.Store.UserByEmail(ctx, a.Tenant.ID, to.Key()); {
	case err == nil:
		return Invitation{}, ErrAccountExists
	case !errors.Is(err, storage.ErrNotFound):
		return Invitation{}, err
	}
	code, err := s.newCode(a, storage.CodeInvite, to.Key(), "", invitation{to.String()}, InvitationLife)
	if err != nil {
		return Invitation{}, err
	}
	link := a.Tenant.URL("/signup?invitation=" + code.Token)
	m, err := s.compose(a, to.Recipient(), "invitation", map[string]string{"Link": link})
	if err != nil {
		return Invitation{}, err
	}
	invited := a.event(storage.Event{Kind: storage.EventUserInvited, Detail: map[string]string{"email": to.Key()}})
	err = s.Store.Apply(ctx, storage.Change{
		TenantID: a.Tenant.ID, Now: code.CreatedAt, Codes: []storage.Code{code.Code}, Deliveries: []storage.Delivery{m},
		Events: []storage.Event{invited},
	})
	if err == nil {
		s.Mail.Stored()
	}
	return Invitation{link, code.ExpiresAt}, err
}

// OpenInvitation returns the address that an invitation is for, by the token of its link. It
// spends nothing. Its refusals are ErrInvitationGone and ErrSignUpClosed.
func (s *Service) OpenInvitation(ctx context.Context, a Asker, token string) (email string, err error) {
	_, inv, err := s.invitation(ctx, a, token)
	return address.Shown(inv.Email), err
}

func (s *Service) invitation(ctx context.Context, a Asker, token string) (storage.Code, invitation, error) {
	if err := s.MaySignUp(a, true); err != nil {
		return storage.Code{}, invitation{}, err
	}
	var inv invitation
	code, err := s.tryCode(ctx, a, storage.CodeInvite, Proof{Token: token}, &inv)
	if errors.Is(err, ErrWrongCode) {
		err = ErrInvitationGone
	}
	return code, inv, err
}

// AcceptInvitation makes the account of a user who was invited, and returns it with the address
// that the invitation is for. The bearer of the token reads the mail of the address, so that it
// needs no further proof. Its refusals are those of OpenInvitation, and ErrAccountExists.
func (s *Service) AcceptInvitation(ctx context.Context, a Asker, token string, in SignUp) (user storage.User,
	email string, err error) {
	code, inv, err := s.invitation(ctx, a, token)
	if err != nil {
		return storage.User{}, "", err
	}
	reg := registration{Email: inv.Email, Username: strings.TrimSpace(in.Username)}
	reg.Password, err = s.firstPassword(ctx, a, a.misnamed(reg.Username), in.Password, reg.Email,
		code.Target, reg.Username)
	if err != nil {
		return storage.User{}, address.Shown(inv.Email), err
	}
	user, err = s.register(ctx, a, code, reg)
	return user, address.Shown(inv.Email), err
}
