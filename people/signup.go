package people

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

// SignUp is what a user enters who wants an account.
type SignUp struct {
	Email    string
	Username string // "" when none is asked for
	Password string
}

// registration is an account that waits for its address to be confirmed. It is in the code
// alone, sealed: no account exists yet, so that an attacker who registers an address has
// nothing that its owner could fall into.
type registration struct {
	Email    string // address.Claimed
	Username string
	Password []byte // its hash
	beginning
}

const (
	// ErrAccountExists says, to a user who has proven an address, that it has an account.
	ErrAccountExists = Refusal("confirm.exists")
	// ErrSignUpClosed says that the tenant accepts no registrations.
	ErrSignUpClosed = Refusal("signup.closed")
	// ErrUninvited says that the tenant accepts registrations of invited users alone.
	ErrUninvited = Refusal("signup.invite")
)

// StartSignUp sends a code to an address that is to have an account, and returns the flow that
// the code belongs to. letter is the client's request, which goes on when the address is
// confirmed in the same browser. An address that has an account gets another mail, and nothing
// else differs. Its refusals are those of MaySignUp.
func (s *Service) StartSignUp(ctx context.Context, a Asker, in SignUp, letter string) (flow string, err error) {
	if err := s.MaySignUp(a, false); err != nil {
		return "", err
	}
	if err := s.AllowForm(ctx, a); err != nil {
		return "", err
	}
	email, err := ClaimAs("email", in.Email, "signup.bad_email")
	var faults Faults
	if !errors.As(err, &faults) {
		if domains := a.Tenant.Settings.SignUp.EmailDomains; !OfDomain(email, domains) {
			faults = append(faults, Fault{Field: "email", Text: "signup.domain", Args: []any{strings.Join(domains, ", ")}})
		}
	}
	faults = append(faults, a.misnamed(in.Username)...)
	hash, err := s.firstPassword(ctx, a, faults, in.Password, in.Email, email.Key(), in.Username)
	if err != nil {
		return "", err
	}
	return s.sendSignUp(ctx, a, email, registration{
		Email: email.String(), Username: strings.TrimSpace(in.Username), Password: hash,
		beginning: beginningAt(a, letter),
	})
}

// MaySignUp reports whether users, or invited users, can register at the tenant: ErrSignUpClosed
// and ErrUninvited.
func (s *Service) MaySignUp(a Asker, invited bool) error {
	switch mode := a.Tenant.Settings.SignUp.Mode; {
	case mode == storage.SignUpClosed, !invited && !s.Mail.Sends():
		return ErrSignUpClosed
	case mode == storage.SignUpInvitation && !invited:
		return ErrUninvited
	}
	return nil
}

// misnamed says what is wrong with a user name that a user wants. One that is left out is none,
// and only a user who has proven an address is told whether the name is taken.
func (a Asker) misnamed(typed string) Faults {
	_, faults := a.claimName(typed)
	return faults
}

// claimName reads the user name that a user wants, and says what is wrong with it.
func (a Asker) claimName(typed string) (username.Claimed, Faults) {
	if strings.TrimSpace(typed) == "" {
		return username.Claimed{}, nil
	}
	rules := a.Tenant.Settings.SignUp
	name, err := username.Claim(typed, rules.ReservedUsernames)
	switch {
	case errors.Is(err, username.ErrReserved) && rules.AskUsername:
		return name, Faults{{Field: "username", Text: "signup.username_reserved"}}
	case err != nil || !rules.AskUsername:
		return username.Claimed{}, Faults{{Field: "username", Text: "signup.bad_username"}}
	}
	return name, nil
}

// firstPassword returns the hash of a password, unless it or what else was entered is wrong; nil
// if users of the tenant have no passwords.
func (s *Service) firstPassword(ctx context.Context, a Asker, faults Faults, secret string,
	about ...string,
) ([]byte, error) {
	if !a.UsesPasswords() {
		if len(faults) > 0 {
			return nil, faults
		}
		return nil, nil
	}
	return s.HashOf(ctx, a, faults, secret, about...)
}

// resendSignUp sends the code of a registration once more, by the code that it replaces.
func (s *Service) resendSignUp(ctx context.Context, a Asker, code storage.Code,
	reg registration,
) (flow string, err error) {
	email, err := provenBy(code, reg.Email)
	if err != nil {
		return "", err
	}
	return s.sendSignUp(ctx, a, email, reg)
}

// sendSignUp sends the code of a registration to its address; one that has an account is told of
// it.
func (s *Service) sendSignUp(ctx context.Context, a Asker, email address.Claimed,
	reg registration,
) (flow string, err error) {
	defer Evenly(ctx, time.Now())
	tenant := a.Tenant
	vain, err := s.AllowSending(ctx, a, Sending{Channel: storage.MethodEmail, Typed: email.Key(), Real: true})
	if err != nil {
		return "", err
	}
	code, err := s.newOwnCode(a, reg.Asker, storage.CodeSignUp, email.Key(), "", reg)
	if err != nil {
		return "", err
	}
	owner, err := s.Store.UserByEmail(ctx, tenant.ID, email.Key())
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return "", err
	}
	m, err := s.Compose(a, email.Recipient(), "confirm-email",
		map[string]string{"Code": code.Spoken(), "Link": tenant.URL("/signup/confirm?token=" + code.Token)})
	if owner.ID != "" {
		// To the address on record: of what was typed only the key is known to be the same.
		m, err = s.Compose(a, RecipientOf(owner), "account-exists",
			map[string]string{"Link": tenant.URL("/login"), "Reset": tenant.URL("/forgot")})
		vain = vain || errors.Is(err, mail.ErrAddress)
	}
	if vain {
		m, err = s.decoy(a, email.Recipient(), nil)
	}
	if err != nil {
		return "", err
	}
	return s.putFlow(ctx, a, code, m)
}

// Registration is a registration that waits for its code.
type Registration struct {
	Email    string // as users read it
	Username string
	// NeedsPassword says that the password of the registration does not count here.
	NeedsPassword bool
	// Letter is the client's request with which the registration began in this browser; "" in
	// any other.
	Letter   string
	ResendAt time.Time // see Service.ResendAt
}

// OpenSignUp returns the registration that waits for the code of a link, by p.Token, or for the
// digits of a flow that began in this browser. It spends nothing: mail scanners open links.
// Its refusal is ErrWrongCode.
func (s *Service) OpenSignUp(ctx context.Context, a Asker, p Proof) (Registration, error) {
	var reg registration
	code, err := s.openFlow(ctx, a, storage.CodeSignUp, p, &reg)
	out := reg.shown(a)
	out.ResendAt = s.ResendAt(code)
	out.NeedsPassword = p.Token != "" && !reg.beganHere(a) && a.UsesPasswords()
	return out, err
}

// shown returns what the asker may see of the registration.
func (reg registration) shown(a Asker) Registration {
	out := Registration{Email: address.Shown(reg.Email), Username: reg.Username}
	if reg.beganHere(a) {
		out.Letter = reg.Letter
	}
	return out
}

// Completion is what a user who confirms an address says anew: a password, in another browser
// than the one where a password was entered, and a user name, if that one is taken.
type Completion struct{ Password, Username string }

// ConfirmSignUp makes the account of a registration whose address is proven, and returns it with
// the letter of the client's request that goes on. Any reader of the mail may come by the link,
// while the password is from the user who registered: only if both happen in one browser is it
// the same user. In another browser the user chooses a password.
// Its refusals are ErrWrongCode and ErrAccountExists.
func (s *Service) ConfirmSignUp(ctx context.Context, a Asker, p Proof, c Completion) (
	user storage.User, letter string, err error,
) {
	var reg registration
	code, err := s.proveFlow(ctx, a, storage.CodeSignUp, p, &reg)
	if err != nil {
		return storage.User{}, "", err
	}
	if c.Username != "" {
		reg.Username = strings.TrimSpace(c.Username)
	}
	faults := a.misnamed(reg.Username)
	if p.Token != "" && !reg.beganHere(a) {
		reg.Password, err = s.firstPassword(ctx, a, faults, c.Password, reg.Email, code.Target, reg.Username)
	} else if len(faults) > 0 {
		err = faults
	}
	if err != nil {
		return storage.User{}, "", err
	}
	user, err = s.register(ctx, a, code, reg, nil)
	return user, reg.shown(a).Letter, err
}

// RegisterInvited makes the account of a user who was invited to the address, by the code of the invitation: the
// bearer reads the mail of the address, so that it needs no further proof. in.Email does not count. also adds to
// the change that makes the account; it is called again if the change fails because a group or a role was
// removed meanwhile, or a unique value was taken. Its refusals are ErrWrongCode and ErrAccountExists.
func (s *Service) RegisterInvited(
	ctx context.Context, a Asker, code storage.Code, email string, in SignUp, also func(*storage.Change) error,
) (storage.User, error) {
	reg := registration{Email: email, Username: strings.TrimSpace(in.Username)}
	var err error
	reg.Password, err = s.firstPassword(ctx, a, a.misnamed(reg.Username), in.Password, email, code.Target, reg.Username)
	if err != nil {
		return storage.User{}, err
	}
	return s.register(ctx, a, code, reg, also)
}

// provenBy returns the address that a code proves. A code is no proof when it was made for another
// key, as by a release that read addresses differently.
func provenBy(code storage.Code, email string) (address.Claimed, error) {
	c, err := address.Claim(email)
	if err != nil || c.Key() != code.Target {
		return address.Claimed{}, ErrWrongCode
	}
	return c, nil
}

// register stores the account, whose address the code proves. also is as for RegisterInvited; nil is Service.Invited.
func (s *Service) register(
	ctx context.Context, a Asker, code storage.Code, reg registration, also func(*storage.Change) error,
) (storage.User, error) {
	change, err := newAccount(a, code, reg)
	if err != nil {
		return storage.User{}, err
	}
	if also == nil {
		also = func(ch *storage.Change) error { return s.Invited(ctx, a, ch) }
	}
	made, err := s.applyAlso(ctx, change, also)
	user := *made.Add
	if !errors.Is(err, storage.ErrStale) && !errors.Is(err, storage.ErrExists) {
		return user, err
	}
	// Lost to another confirmation, or a name is taken. The asker reads the mail of the address,
	// and may know.
	switch _, found := s.Store.UserByEmail(ctx, user.TenantID, user.EmailKey); {
	case found == nil:
		return user, ErrAccountExists
	case !errors.Is(found, storage.ErrNotFound):
		return user, found
	case errors.Is(err, storage.ErrStale):
		return user, ErrWrongCode
	}
	return user, Invalid("username", "signup.username_taken")
}

// newAccount returns the change that makes an account whose address the code proves.
func newAccount(a Asker, code storage.Code, reg registration) (ch storage.Change, err error) {
	now := time.Now()
	email, err := provenBy(code, reg.Email)
	if err != nil {
		return ch, err
	}
	name, faults := a.claimName(reg.Username)
	if len(faults) > 0 {
		return ch, faults
	}
	id, err := uuid.NewV7()
	if err != nil {
		return ch, err
	}
	user := storage.User{TenantID: code.TenantID, ID: id.String(), EmailVerified: true, CreatedAt: now, UpdatedAt: now}
	email.Give(&user)
	name.Give(&user)
	ch = storage.Change{
		TenantID: user.TenantID, UserID: user.ID, Now: now, Code: code.ID, Add: &user,
		Events: []storage.Event{a.Event(storage.Event{Kind: storage.EventUserAdded, UserID: user.ID,
			Detail: map[string]string{"by": code.Purpose}})},
	}
	if reg.Password != nil {
		ch.Credentials = []storage.Credential{{Kind: storage.PasswordCredential, Data: reg.Password,
			CreatedAt: now, UpdatedAt: now}}
	}
	return ch, nil
}
