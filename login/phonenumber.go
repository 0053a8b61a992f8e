package login

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/phones"
	"github.com/vouchsafe/vouchsafe/storage"
)

// perPhoneChanger bounds the numbers that one person may have written to: each message
// costs money, some of which may go to whoever asks (SMS pumping).
var perPhoneChanger = limit.Rule{Name: "phone-change", Max: 5, Window: 24 * time.Hour}

// hasPhones says whether people can have a phone number here.
// phoneChange is what a code for a number sets in motion.
type phoneChange struct {
	Phone string `json:"phone"`
	From  string `json:"from"` // the number that it replaces: another change in between voids the code
	Was   bool   `json:"was"`  // whether that was verified
}

// startPhoneChange sends a code to the number that a person wants to have. The flow is the
// code's.
func (s *Server) startPhoneChange(r *http.Request, u storage.User, number string) (flow string, err error) {
	if !s.Mail.Texts {
		return "", &web.Problem{Status: http.StatusNotFound}
	}
	regions := web.TenantOf(r.Context()).Settings.SignIn.PhoneRegions
	to, err := phones.Parse(strings.TrimSpace(number), regions)
	switch {
	case errors.Is(err, phones.ErrRegion):
		return "", invalidf("phone", "phone.region", strings.Join(regions, ", "))
	case errors.Is(err, phones.ErrKind):
		return "", invalidf("phone", "phone.kind")
	case err != nil:
		return "", invalidf("phone", "phone.bad")
	case to == u.Phone && u.PhoneVerified:
		return "", invalidf("phone", "phone.same")
	}
	if _, err := s.admit(r, limit.By{Rule: perPhoneChanger, Subject: u.ID, Known: true}); err != nil {
		return "", err
	}
	vain, err := s.AllowSending(r.Context(), s.askerOf(r), storage.MethodPhone, to, storage.User{}, true)
	if err != nil {
		return "", err
	}
	code, err := s.newCode(r, storage.CodePhone, u.ID, u.ID, phoneChange{to, u.Phone, u.PhoneVerified}, codeLife)
	if err != nil {
		return "", err
	}
	m, err := s.composeText(r, to, code)
	if err != nil {
		return "", err
	}
	if vain {
		m = dropped(m)
	}
	return code.ID, s.apply(r, u, storage.Change{
		Codes: []storage.Code{code.Code}, Deliveries: []storage.Delivery{m},
		Events: []storage.Event{s.event(r, storage.Event{Kind: storage.EventPhoneAsked, UserID: u.ID})},
	})
}

// confirmPhoneChange gives a person the number whose code they prove, and tells them by mail.
func (s *Server) confirmPhoneChange(r *http.Request, u storage.User, p proof) (storage.User, error) {
	var change phoneChange
	code, err := s.tryCode(r, storage.CodePhone, p, &change)
	if err == nil && code.UserID != u.ID {
		err = errWrongCode
	}
	if err != nil {
		return u, err
	}
	// What the session knows of the person may be a moment old.
	if u, err = s.Store.User(r.Context(), u.TenantID, u.ID); err != nil {
		return u, err
	}
	if change.From != u.Phone || change.Was != u.PhoneVerified {
		return u, errWrongCode
	}
	mails, err := s.told(r, u, "notice.phone")
	if err != nil {
		return u, err
	}
	u.Phone, u.PhoneVerified, u.UpdatedAt = change.Phone, true, time.Now()
	err = s.apply(r, u, storage.Change{
		Code: code.ID, Update: &u, Deliveries: mails,
		Events: []storage.Event{s.event(r, storage.Event{Kind: storage.EventPhoneChanged, UserID: u.ID})},
	})
	if errors.Is(err, storage.ErrStale) {
		err = errWrongCode
	}
	return u, err
}

// removePhone takes the number away, unless it is the last way in. errLastWayIn.
func (s *Server) removePhone(r *http.Request, u storage.User) (storage.User, error) {
	u, err := s.Store.User(r.Context(), u.TenantID, u.ID)
	if err != nil {
		return u, err
	}
	mails, err := s.told(r, u, "notice.phone_removed")
	if err != nil {
		return u, err
	}
	without := u
	without.Phone, without.PhoneVerified, without.UpdatedAt = "", false, time.Now()
	return without, s.leavingAWayIn(r, u, storage.Change{
		Update: &without, Deliveries: mails,
		Events: []storage.Event{s.event(r, storage.Event{Kind: storage.EventPhoneRemoved, UserID: u.ID})},
	})
}
