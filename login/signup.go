package login

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

// signUpInput is what somebody enters who wants an account.
type signUpInput struct {
	Email    string
	Username string // "" when none is asked for
	Password string
}

// registration is an account that waits for its address to be confirmed. It is in the code
// alone, sealed: among the people there is nobody yet, so that a stranger who registers an
// address has nothing that its owner could fall into.
type registration struct {
	Email    string // address.Claimed
	Username string
	Password []byte // its hash
	// Browser is where it began (see browserOf), Letter the client's request there.
	Browser string
	Letter  string
	Asker   string // see askerOf
}

// errAccountExists says, to somebody who has proven the address, that it has an account.
var errAccountExists = errors.New("there is an account with this address")

// signUp sends a code to an address that is to have an account, and gives the flow that it
// belongs to. An address that has one gets another mail, and nothing else differs.
func (s *Server) signUp(r *http.Request, in signUpInput) (flow string, err error) {
	ctx := r.Context()
	if err := s.mayRegister(r, false); err != nil {
		return "", err
	}
	if err := s.allowForm(r); err != nil {
		return "", err
	}
	email, err := claimAs("email", in.Email, "signup.bad_email")
	var faults invalid
	if !errors.As(err, &faults) {
		if domains := web.TenantOf(ctx).Settings.SignUp.EmailDomains; !ofDomain(email, domains) {
			faults = append(faults, fault{Field: "email", Text: "signup.domain", Args: []any{strings.Join(domains, ", ")}})
		}
	}
	faults = append(faults, s.misnamed(r, in.Username)...)
	hash, err := s.firstPassword(r, faults, in.Password, in.Email, email.Key(), in.Username)
	if err != nil {
		return "", err
	}
	return s.sendSignUp(r, email, registration{
		Email: email.String(), Username: strings.TrimSpace(in.Username), Password: hash,
		Browser: browserOf(r), Letter: r.FormValue("i"), Asker: codeOwner(r),
	})
}

// mayRegister refuses where the tenant lets nobody sign up, or only who is invited.
func (s *Server) mayRegister(r *http.Request, invited bool) error {
	switch mode := web.TenantOf(r.Context()).Settings.SignUp.Mode; {
	case mode == storage.SignUpClosed, !invited && !s.Mail.Sends():
		return &web.Problem{Status: http.StatusForbidden, Title: "signup.closed_title", Message: "signup.closed"}
	case mode == storage.SignUpInvitation && !invited:
		return &web.Problem{Status: http.StatusForbidden, Title: "signup.invite_title", Message: "signup.invite"}
	}
	return nil
}

// ofDomain says whether the address is of one of the domains, or may be of any.
func ofDomain(email address.Claimed, domains []string) bool {
	return len(domains) == 0 || slices.Contains(domains, email.Domain())
}

// misnamed says what is wrong with a user name that a person wants. One that is left out is
// none, and only who has proven an address is told whether it is taken.
func (s *Server) misnamed(r *http.Request, typed string) invalid {
	_, faults := s.claimName(r, typed)
	return faults
}

// claimName reads the user name that a person wants, and says what is wrong with it.
func (s *Server) claimName(r *http.Request, typed string) (username.Claimed, invalid) {
	if strings.TrimSpace(typed) == "" {
		return username.Claimed{}, nil
	}
	rules := web.TenantOf(r.Context()).Settings.SignUp
	name, err := username.Claim(typed, rules.ReservedUsernames)
	switch {
	case errors.Is(err, username.ErrReserved) && rules.AskUsername:
		return name, invalid{{Field: "username", Text: "signup.username_reserved"}}
	case err != nil || !rules.AskUsername:
		return username.Claimed{}, invalid{{Field: "username", Text: "signup.bad_username"}}
	}
	return name, nil
}

// firstPassword is the hash of a password, unless it or what else was entered is wrong; nil
// where people have none.
func (s *Server) firstPassword(r *http.Request, faults invalid, secret string, about ...string) ([]byte, error) {
	if !usesPasswords(r) {
		if len(faults) > 0 {
			return nil, faults
		}
		return nil, nil
	}
	return s.hashOf(r, faults, secret, about...)
}

// sendSignUp sends the code of a registration to its address; one that has an account is
// told of it.
func (s *Server) sendSignUp(r *http.Request, email address.Claimed, reg registration) (flow string, err error) {
	ctx := r.Context()
	defer evenly(ctx, time.Now())
	tenant := web.TenantOf(ctx)
	vain, err := s.AllowSending(r.Context(), s.askerOf(r), storage.MethodEmail, email.Key(), storage.User{}, true)
	if err != nil {
		return "", err
	}
	code, err := s.newOwnCode(r, reg.Asker, storage.CodeSignUp, email.Key(), "", reg)
	if err != nil {
		return "", err
	}
	owner, err := s.Store.UserByEmail(ctx, tenant.ID, email.Key())
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return "", err
	}
	m, err := s.compose(r, email.Recipient(), "confirm-email", map[string]string{"Code": code.Spoken(), "Link": tenant.URL("/signup/confirm?token=" + code.Token)})
	if owner.ID != "" {
		// To the address on record: of what was typed only the key is known to be the same.
		m, err = s.compose(r, recipientOf(owner), "account-exists", map[string]string{"Link": tenant.URL("/login"), "Reset": tenant.URL("/forgot")})
		vain = vain || errors.Is(err, mail.ErrAddress)
	}
	if vain {
		m, err = s.decoy(r, email.Recipient(), nil)
	}
	if err != nil {
		return "", err
	}
	if err := s.Store.PutCode(ctx, code.Code, m); err != nil {
		return "", err
	}
	s.Mail.Stored()
	return code.ID, nil
}

// completion is what whoever confirms an address says anew: a password, when they are not
// at the browser where one was entered, and a user name, when that one is taken.
type completion struct{ Password, Username string }

// completeSignUp makes the account of a registration whose address is proven. By the link
// anybody may come who reads the mail, while the password is of whoever registered: only
// where both happen in one browser is it the same person. Elsewhere whoever comes chooses
// the password.
func (s *Server) completeSignUp(r *http.Request, p proof, c completion) (storage.User, registration, error) {
	var reg registration
	code, err := s.tryCode(r, storage.CodeSignUp, p, &reg)
	if err != nil {
		return storage.User{}, reg, err
	}
	if p.Token == "" && !isBrowser(r, reg.Browser) {
		return storage.User{}, reg, errWrongCode
	}
	if c.Username != "" {
		reg.Username = strings.TrimSpace(c.Username)
	}
	faults := s.misnamed(r, reg.Username)
	if p.Token != "" && !reg.beganAt(r) {
		reg.Password, err = s.firstPassword(r, faults, c.Password, reg.Email, code.Target, reg.Username)
	} else if len(faults) > 0 {
		err = faults
	}
	if err != nil {
		return storage.User{}, reg, err
	}
	user, err := s.register(r, code, reg)
	return user, reg, err
}

// provenBy is the address that a code proves. A code is no proof when it was made for another
// key, as by a release that read addresses differently.
func provenBy(code storage.Code, email string) (address.Claimed, error) {
	c, err := address.Claim(email)
	if err != nil || c.Key() != code.Target {
		return address.Claimed{}, errWrongCode
	}
	return c, nil
}

// register stores the account, whose address the code proves.
func (s *Server) register(r *http.Request, code storage.Code, reg registration) (storage.User, error) {
	ctx, now := r.Context(), time.Now()
	email, err := provenBy(code, reg.Email)
	if err != nil {
		return storage.User{}, err
	}
	name, faults := s.claimName(r, reg.Username)
	if len(faults) > 0 {
		return storage.User{}, faults
	}
	id, err := uuid.NewV7()
	if err != nil {
		return storage.User{}, err
	}
	user := storage.User{TenantID: code.TenantID, ID: id.String(), EmailVerified: true, CreatedAt: now, UpdatedAt: now}
	email.Give(&user)
	name.Give(&user)
	change := storage.Change{
		TenantID: user.TenantID, UserID: user.ID, Now: now, Code: code.ID, Add: &user,
		Events: []storage.Event{s.event(r, storage.Event{Kind: storage.EventUserAdded, UserID: user.ID, Detail: map[string]string{"by": code.Purpose}})},
	}
	if reg.Password != nil {
		change.Credentials = []storage.Credential{{Kind: storage.PasswordCredential, Data: reg.Password, CreatedAt: now, UpdatedAt: now}}
	}
	err = s.Store.Apply(ctx, change)
	if !errors.Is(err, storage.ErrStale) && !errors.Is(err, storage.ErrExists) {
		return user, err
	}
	// Lost to another confirmation, or a name is taken. Whoever comes here reads the mail
	// of the address, and may know.
	switch _, found := s.Store.UserByEmail(ctx, user.TenantID, user.EmailKey); {
	case found == nil:
		return user, errAccountExists
	case !errors.Is(found, storage.ErrNotFound):
		return user, found
	case errors.Is(err, storage.ErrStale):
		return user, errWrongCode
	}
	return user, invalidf("username", "signup.username_taken")
}

// beganAt says whether it is known that the registration began in the request's browser.
func (reg registration) beganAt(r *http.Request) bool {
	return reg.Browser != "" && isBrowser(r, reg.Browser)
}
