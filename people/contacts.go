package people

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/phones"
	"github.com/vouchsafe/vouchsafe/storage"
)

// emailChange is what a code for a new address sets in motion.
type emailChange struct {
	Email string `json:"email"` // address.Claimed
	Key   string `json:"key"`   // that the code was sent for
	// From is the EmailKey that it replaces: another change in between voids the code.
	From string `json:"from"`
}

// StartEmailChange sends a code to the address that the user wants to use from now on, and returns
// the flow that the code belongs to. If another account has the address, its owner gets a mail that
// says so, and nothing else differs. Its refusal is ErrChangedMeanwhile.
func (s *Service) StartEmailChange(ctx context.Context, a Asker, o Owner, typed string) (flow string, err error) {
	return s.sendEmailChange(ctx, a, o.user, typed)
}

// ResendEmailChange sends the code of a change of the user's address once more, and returns the next flow; the code
// before is void. The user needs no fresh sign-in: the code goes to the address that the flow was begun for. Its
// refusals are ErrWrongCode and ErrChangedMeanwhile.
func (s *Service) ResendEmailChange(ctx context.Context, a Asker, u storage.User, flow string) (next string,
	err error) {
	var change emailChange
	code, err := s.openOwnFlow(ctx, u, storage.CodeEmail, flow, &change)
	if err == nil {
		err = s.MayResend(a, code)
	}
	if err != nil {
		return "", err
	}
	return s.sendEmailChange(ctx, a, u, change.Email)
}

func (s *Service) sendEmailChange(ctx context.Context, a Asker, u storage.User, typed string) (flow string,
	err error) {
	email, err := s.newAddress(a, u, typed)
	if err != nil {
		return "", err
	}
	if _, err := s.Admit(ctx, a, limit.By{Rule: s.PerEmailChange, Subject: u.ID, Known: true}); err != nil {
		return "", err
	}
	vain, err := s.AllowSending(ctx, a, Sending{Channel: storage.MethodEmail, Typed: email.Key(), Real: true})
	if err != nil {
		return "", err
	}
	// A user has one code at a time, whatever the address: one code for an address would let
	// another user who asks for the same address void it.
	change := emailChange{email.String(), email.Key(), u.EmailKey}
	code, err := s.NewCode(a, storage.CodeEmail, u.ID, u.ID, change, CodeLife)
	if err != nil {
		return "", err
	}
	m, err := s.emailChangeMail(ctx, a, u, email, code)
	if err != nil {
		return "", err
	}
	if vain {
		m = Dropped(m)
	}
	return code.ID, s.Apply(ctx, u, storage.Change{
		Codes: []storage.Code{code.Code}, Deliveries: []storage.Delivery{m},
		Events: []storage.Event{a.Event(storage.Event{Kind: storage.EventEmailAsked, UserID: u.ID})},
	})
}

// newAddress reads the address that a user wants to change to, or to confirm.
func (s *Service) newAddress(a Asker, u storage.User, typed string) (address.Claimed, error) {
	email, err := ClaimAs("email", typed, "setup.bad_email")
	if err != nil {
		return email, err
	}
	if email.Key() == u.EmailKey && u.EmailVerified {
		return email, Invalid("email", "newemail.same")
	}
	// Otherwise a user with one address of a domain could go on with any other. A user who has
	// another by invitation may confirm it.
	if domains := a.Tenant.Settings.SignUp.EmailDomains; email.Key() != u.EmailKey && !OfDomain(email, domains) {
		return email, Invalid("email", "signup.domain", strings.Join(domains, ", "))
	}
	return email, nil
}

// emailChangeMail carries the code to the address or, if another account has the address, tells
// its owner.
func (s *Service) emailChangeMail(
	ctx context.Context, a Asker, u storage.User, email address.Claimed, code Issued,
) (storage.Delivery, error) {
	template, data := "confirm-new-email", map[string]string{
		"Code": code.Spoken(),
		"Link": a.Tenant.URL("/account/email/confirm?" + url.Values{"token": {code.Token}}.Encode()),
	}
	switch other, err := s.Store.UserByEmail(ctx, u.TenantID, email.Key()); {
	case err == nil && other.ID != u.ID:
		template, data = "email-taken", map[string]string{"Link": a.Tenant.URL("/account")}
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return storage.Delivery{}, err
	}
	m, err := s.Compose(a, email.Recipient(), template, data)
	if err != nil {
		return m, Invalid("email", "setup.bad_email")
	}
	return m, nil
}

// Awaited is where the code of a change was sent that waits for it.
type Awaited struct {
	To       string    // the address or number
	ResendAt time.Time // see Service.ResendAt
}

// AwaitedEmail returns the address of the user's change that waits for a code: that of the link, by
// p.Token, or of the flow. It spends nothing. Its refusal is ErrWrongCode.
func (s *Service) AwaitedEmail(ctx context.Context, a Asker, u storage.User, p Proof) (Awaited, error) {
	var change emailChange
	if p.Token != "" {
		_, err := s.proveOwnFlow(ctx, a, u, storage.CodeEmail, Proof{Token: p.Token}, &change)
		return Awaited{To: change.Email}, err
	}
	code, err := s.openOwnFlow(ctx, u, storage.CodeEmail, p.Flow, &change)
	return Awaited{change.Email, s.ResendAt(code)}, err
}

// ConfirmEmailChange gives the user the address whose code is proven, tells the former address by
// mail, and returns the user with the new one. The code alone is not enough: an attacker who asked
// for another user's address would have the account confirmed by that user's click on the link. Its
// refusal is ErrWrongCode.
func (s *Service) ConfirmEmailChange(ctx context.Context, a Asker, u storage.User, p Proof) (storage.User, error) {
	var change emailChange
	code, err := s.proveOwnFlow(ctx, a, u, storage.CodeEmail, p, &change)
	if err != nil {
		return u, err
	}
	// What the asker's session knows of the user may be a moment old.
	if u, err = s.Store.User(ctx, u.TenantID, u.ID); err != nil {
		return u, err
	}
	email, err := address.Claim(change.Email)
	if err != nil || email.Key() != change.Key || change.From != u.EmailKey {
		return u, ErrWrongCode
	}
	kind := storage.EventEmailChanged
	if change.Key == u.EmailKey {
		kind = storage.EventEmailConfirmed
	}
	mails, err := s.emailChangeNotice(a, u, kind, change.Email)
	if err != nil {
		return u, err
	}
	email.Give(&u)
	u.EmailVerified, u.UpdatedAt = true, time.Now()
	_, err = s.ApplyProven(ctx, a, storage.Change{
		TenantID: u.TenantID, UserID: u.ID, Now: u.UpdatedAt, Version: &u.CredentialVersion,
		Code: code.ID, ForgetCodes: true, Update: &u, Deliveries: mails,
		Events: []storage.Event{a.Event(storage.Event{Kind: kind, UserID: u.ID})},
	})
	switch {
	case err == nil:
		s.Mail.Stored()
	case errors.Is(err, storage.ErrExists): // the user reads the mail of the address, and may know
		return u, Invalid("code", "newemail.taken")
	case errors.Is(err, storage.ErrStale):
		return u, ErrWrongCode
	}
	return u, err
}

// emailChangeNotice tells the address that u had that it was confirmed, or replaced by another.
func (s *Service) emailChangeNotice(a Asker, u storage.User, kind, email string) ([]storage.Delivery, error) {
	if kind == storage.EventEmailConfirmed {
		return s.ChangeNotice(a, u, "notice.confirmed")
	}
	return s.Notice(a, u, "email-changed", map[string]string{"NewAddress": address.Shown(email)})
}

// HasPhones reports whether users can have a phone number: the server sends text messages.
func (s *Service) HasPhones() bool { return s.Mail.Texts }

// ErrNoPhones says that users cannot have a phone number here: see HasPhones.
var ErrNoPhones = errors.New("the server sends no text messages")

// phoneChange is what a code for a number sets in motion.
type phoneChange struct {
	Phone string `json:"phone"`
	From  string `json:"from"` // the number that it replaces: another change in between voids the code
	Was   bool   `json:"was"`  // whether that was verified
}

// StartPhoneChange sends a code to the number that the user wants to have, and returns the flow that
// the code belongs to. What is wrong with the number is a fault of the field. Its refusal is ErrChangedMeanwhile;
// ErrNoPhones says that the server sends no text messages.
func (s *Service) StartPhoneChange(ctx context.Context, a Asker, o Owner, typed string) (flow string, err error) {
	return s.sendPhoneChange(ctx, a, o.user, typed)
}

// ResendPhoneChange is ResendEmailChange for a change of the user's number.
func (s *Service) ResendPhoneChange(ctx context.Context, a Asker, u storage.User, flow string) (next string,
	err error) {
	var change phoneChange
	code, err := s.openOwnFlow(ctx, u, storage.CodePhone, flow, &change)
	if err == nil {
		err = s.MayResend(a, code)
	}
	if err != nil {
		return "", err
	}
	return s.sendPhoneChange(ctx, a, u, change.Phone)
}

// sendPhoneChange sends the code of a change of the user's number. A number that has had its messages gets none, and
// nothing tells the asker so.
func (s *Service) sendPhoneChange(ctx context.Context, a Asker, u storage.User, typed string) (flow string,
	err error) {
	if !s.HasPhones() {
		return "", ErrNoPhones
	}
	to, err := newNumber(a, u, typed)
	if err != nil {
		return "", err
	}
	if _, err := s.Admit(ctx, a, limit.By{Rule: s.PerPhoneChange, Subject: u.ID, Known: true}); err != nil {
		return "", err
	}
	vain, err := s.AllowSending(ctx, a, Sending{Channel: storage.MethodPhone, Typed: to, Real: true})
	if err != nil {
		return "", err
	}
	code, err := s.NewCode(a, storage.CodePhone, u.ID, u.ID, phoneChange{to, u.Phone, u.PhoneVerified}, CodeLife)
	if err != nil {
		return "", err
	}
	m, err := s.composeText(a, to, code)
	if err != nil {
		return "", err
	}
	if vain {
		m = Dropped(m)
	}
	return code.ID, s.Apply(ctx, u, storage.Change{
		Codes: []storage.Code{code.Code}, Deliveries: []storage.Delivery{m},
		Events: []storage.Event{a.Event(storage.Event{Kind: storage.EventPhoneAsked, UserID: u.ID})},
	})
}

// newNumber reads the number that a user wants to change to, or to confirm.
func newNumber(a Asker, u storage.User, typed string) (number string, err error) {
	regions := a.Tenant.Settings.SignIn.PhoneRegions
	number, err = phones.Parse(strings.TrimSpace(typed), regions)
	switch {
	case errors.Is(err, phones.ErrRegion):
		return "", Invalid("phone", "phone.region", strings.Join(regions, ", "))
	case errors.Is(err, phones.ErrKind):
		return "", Invalid("phone", "phone.kind")
	case err != nil:
		return "", Invalid("phone", "phone.bad")
	case number == u.Phone && u.PhoneVerified:
		return "", Invalid("phone", "phone.same")
	}
	return number, nil
}

// AwaitedPhone returns the number of the user's change that waits for the flow's code. It spends
// nothing. Its refusal is ErrWrongCode.
func (s *Service) AwaitedPhone(ctx context.Context, u storage.User, flow string) (Awaited, error) {
	var change phoneChange
	code, err := s.openOwnFlow(ctx, u, storage.CodePhone, flow, &change)
	return Awaited{change.Phone, s.ResendAt(code)}, err
}

// ConfirmPhoneChange gives the user the number whose code is proven, tells the user by mail, and
// returns the user with the new number. Its refusal is ErrWrongCode.
func (s *Service) ConfirmPhoneChange(ctx context.Context, a Asker, u storage.User, p Proof) (storage.User, error) {
	var change phoneChange
	code, err := s.proveOwnFlow(ctx, a, u, storage.CodePhone, p, &change)
	if err != nil {
		return u, err
	}
	// What the asker's session knows of the user may be a moment old.
	if u, err = s.Store.User(ctx, u.TenantID, u.ID); err != nil {
		return u, err
	}
	if change.From != u.Phone || change.Was != u.PhoneVerified {
		return u, ErrWrongCode
	}
	mails, err := s.ChangeNotice(a, u, "notice.phone")
	if err != nil {
		return u, err
	}
	u.Phone, u.PhoneVerified, u.UpdatedAt = change.Phone, true, time.Now()
	err = s.Apply(ctx, u, storage.Change{
		Code: code.ID, Update: &u, Deliveries: mails,
		Events: []storage.Event{a.Event(storage.Event{Kind: storage.EventPhoneChanged, UserID: u.ID})},
	})
	if errors.Is(err, storage.ErrStale) {
		err = ErrWrongCode
	}
	return u, err
}

// RemovePhone takes the user's phone number away, tells the user by mail, and returns the user without
// the number. Its refusal is ErrLastWayIn.
func (s *Service) RemovePhone(ctx context.Context, a Asker, o Owner) (storage.User, error) {
	// What the asker's session knows of the user may be a moment old.
	u, err := s.Store.User(ctx, o.user.TenantID, o.user.ID)
	if err != nil {
		return u, err
	}
	mails, err := s.ChangeNotice(a, u, "notice.phone_removed")
	if err != nil {
		return u, err
	}
	without := u
	without.Phone, without.PhoneVerified, without.UpdatedAt = "", false, time.Now()
	return without, s.leavingAWayIn(ctx, a, u, storage.Change{
		Update: &without, Deliveries: mails,
		Events: []storage.Event{a.Event(storage.Event{Kind: storage.EventPhoneRemoved, UserID: u.ID})},
	})
}
