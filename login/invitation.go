package login

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// InvitationLife is how long an invitation can be accepted.
const InvitationLife = 7 * 24 * time.Hour

// invitation is what is sealed in one.
type invitation struct{ Email string }

// Invite makes an invitation to sign up: the code to store with its mail, and the link.
func Invite(secrets *secret.Masters, mailer *mail.Mailer, t *web.Tenant, email address.Claimed, language string) (storage.Code, storage.Mail, string, error) {
	code, err := makeCode(secrets, t.ID, storage.CodeInvite, email.Key(), "", invitation{email.String()}, InvitationLife)
	if err != nil {
		return storage.Code{}, storage.Mail{}, "", err
	}
	link := t.URL("/signup?invitation=" + code.Token)
	m, err := mailer.Compose(t, email.Recipient(), language, "invitation", map[string]string{"Link": link})
	return code.Code, m, link, err
}

// invitation opens one by the token of its link, and spends nothing.
func (s *Server) invitation(r *http.Request, token string) (storage.Code, invitation, error) {
	if err := s.mayRegister(r, true); err != nil {
		return storage.Code{}, invitation{}, err
	}
	var inv invitation
	code, err := s.tryCode(r, storage.CodeInvite, proof{Token: token}, &inv)
	if errors.Is(err, errWrongCode) {
		err = &web.Problem{Status: http.StatusBadRequest, Title: "signup.invite_gone_title", Message: "signup.invite_gone"}
	}
	return code, inv, s.early(r, err)
}

// acceptInvitation makes the account of whoever was invited. Whoever holds the token reads
// the mail of the address, so that it needs no further proof.
func (s *Server) acceptInvitation(r *http.Request, token string, in signUpInput) (user storage.User, email string, err error) {
	code, inv, err := s.invitation(r, token)
	if err != nil {
		return storage.User{}, "", err
	}
	reg := registration{Email: inv.Email, Username: strings.TrimSpace(in.Username)}
	reg.Password, err = s.firstPassword(r, s.misnamed(r, reg.Username), in.Password, reg.Email, code.Target, reg.Username)
	if err != nil {
		return storage.User{}, address.Shown(inv.Email), err
	}
	user, err = s.register(r, code, reg)
	return user, address.Shown(inv.Email), err
}
