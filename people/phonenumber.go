package people

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people/phones"
	"github.com/vouchsafe/vouchsafe/storage"
)

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
// the code belongs to. ErrNoPhones. Its refusal is ErrChangedMeanwhile.
func (s *Service) StartPhoneChange(ctx context.Context, a Asker, o Owner, typed string) (flow string, err error) {
	u := o.user
	if !s.HasPhones() {
		return "", ErrNoPhones
	}
	to, err := newNumber(a, u, typed)
	if err != nil {
		return "", err
	}
	if _, err := s.admit(ctx, a, limit.By{Rule: s.PerPhoneChange, Subject: u.ID, Known: true}); err != nil {
		return "", err
	}
	vain, err := s.allowSending(ctx, a, sending{channel: storage.MethodPhone, typed: to, real: true})
	if err != nil {
		return "", err
	}
	code, err := s.newCode(a, storage.CodePhone, u.ID, u.ID, phoneChange{to, u.Phone, u.PhoneVerified}, codeLife)
	if err != nil {
		return "", err
	}
	m, err := s.composeText(a, to, code)
	if err != nil {
		return "", err
	}
	if vain {
		m = dropped(m)
	}
	return code.ID, s.apply(ctx, u, storage.Change{
		Codes: []storage.Code{code.Code}, Deliveries: []storage.Delivery{m},
		Events: []storage.Event{a.event(storage.Event{Kind: storage.EventPhoneAsked, UserID: u.ID})},
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
func (s *Service) AwaitedPhone(ctx context.Context, u storage.User, flow string) (number string, err error) {
	var change phoneChange
	_, err = s.openOwnFlow(ctx, u, storage.CodePhone, flow, &change)
	return change.Phone, err
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
	mails, err := s.changeNotice(a, u, "notice.phone")
	if err != nil {
		return u, err
	}
	u.Phone, u.PhoneVerified, u.UpdatedAt = change.Phone, true, time.Now()
	err = s.apply(ctx, u, storage.Change{
		Code: code.ID, Update: &u, Deliveries: mails,
		Events: []storage.Event{a.event(storage.Event{Kind: storage.EventPhoneChanged, UserID: u.ID})},
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
	mails, err := s.changeNotice(a, u, "notice.phone_removed")
	if err != nil {
		return u, err
	}
	without := u
	without.Phone, without.PhoneVerified, without.UpdatedAt = "", false, time.Now()
	return without, s.leavingAWayIn(ctx, a, u, storage.Change{
		Update: &without, Deliveries: mails,
		Events: []storage.Event{a.event(storage.Event{Kind: storage.EventPhoneRemoved, UserID: u.ID})},
	})
}
