package login

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// perChanger bounds the addresses that one person may have written to.
var perChanger = limit.Rule{Name: "email-change", Max: 10, Window: time.Hour}

// emailChange is what a code for a new address sets in motion.
type emailChange struct {
	Email string `json:"email"` // address.Claimed
	Key   string `json:"key"`   // that the code was sent for
	// From is the EmailKey that it replaces: another change in between voids the code.
	From string `json:"from"`
}

// startEmailChange sends a code to the address that a person wants to use from now on. If
// somebody else has it, its owner is told so, and nobody else. The flow is the code's.
func (s *Server) startEmailChange(r *http.Request, u storage.User, typed string) (flow string, err error) {
	email, err := claimAs("email", typed, "setup.bad_email")
	if err != nil {
		return "", err
	}
	if email.Key() == u.EmailKey && u.EmailVerified {
		return "", invalidf("email", "newemail.same")
	}
	ctx := r.Context()
	// Else whoever has one address of the domain could go on with any other. Those who have
	// another by invitation may prove it.
	if domains := web.TenantOf(ctx).Settings.SignUp.EmailDomains; email.Key() != u.EmailKey && !people.OfDomain(email, domains) {
		return "", invalidf("email", "signup.domain", strings.Join(domains, ", "))
	}
	if _, err := s.admit(r, limit.By{Rule: perChanger, Subject: u.ID, Known: true}); err != nil {
		return "", err
	}
	vain, err := s.AllowSending(r.Context(), s.askerOf(r), storage.MethodEmail, email.Key(), storage.User{}, true)
	if err != nil {
		return "", err
	}
	// One code at a time for a person, not for an address: else somebody who asks for the
	// same address would void theirs.
	code, err := s.newCode(r, storage.CodeEmail, u.ID, u.ID, emailChange{email.String(), email.Key(), u.EmailKey}, codeLife)
	if err != nil {
		return "", err
	}
	template, data := "confirm-new-email", map[string]string{
		"Code": code.Spoken(), "Link": web.TenantOf(ctx).URL("/account/email/confirm?" + url.Values{"token": {code.Token}}.Encode()),
	}
	switch other, err := s.Store.UserByEmail(ctx, u.TenantID, email.Key()); {
	case err == nil && other.ID != u.ID:
		template, data = "email-taken", map[string]string{"Link": web.TenantOf(ctx).URL("/account")}
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return "", err
	}
	m, err := s.compose(r, email.Recipient(), template, data)
	if err != nil {
		return "", invalidf("email", "setup.bad_email")
	}
	if vain {
		m = dropped(m)
	}
	return code.ID, s.apply(r, u, storage.Change{
		Codes: []storage.Code{code.Code}, Deliveries: []storage.Delivery{m},
		Events: []storage.Event{s.event(r, storage.Event{Kind: storage.EventEmailAsked, UserID: u.ID})},
	})
}

// confirmEmailChange gives a person the address whose code they prove, and tells the old
// one. The code alone does not do: a stranger who asks for somebody's address would have
// their account confirmed by a click on the link.
func (s *Server) confirmEmailChange(r *http.Request, u storage.User, p proof) (storage.User, error) {
	change, code, err := s.proveEmailChange(r, u, p)
	if err != nil {
		return u, err
	}
	// What the session knows of the person may be a moment old.
	if u, err = s.Store.User(r.Context(), u.TenantID, u.ID); err != nil {
		return u, err
	}
	email, err := address.Claim(change.Email)
	if err != nil || email.Key() != change.Key || change.From != u.EmailKey {
		return u, errWrongCode
	}
	var mails []storage.Delivery
	kind := storage.EventEmailChanged
	if change.Key == u.EmailKey {
		kind = storage.EventEmailConfirmed
		mails, err = s.told(r, u, "notice.confirmed")
	} else {
		mails, err = s.notice(r, u, "email-changed", map[string]string{"NewAddress": address.Shown(change.Email)})
	}
	if err != nil {
		return u, err
	}
	email.Give(&u)
	u.EmailVerified, u.UpdatedAt = true, time.Now()
	err = s.apply(r, u, storage.Change{
		Code: code.ID, ForgetCodes: true, Update: &u, Deliveries: mails,
		Events: []storage.Event{s.event(r, storage.Event{Kind: kind, UserID: u.ID})},
	})
	switch {
	case errors.Is(err, storage.ErrExists): // they read its mail, and may know
		return u, invalidf("code", "newemail.taken")
	case errors.Is(err, storage.ErrStale):
		return u, errWrongCode
	}
	return u, err
}

// proveEmailChange finds the change that a proof is for, if it is the person's.
func (s *Server) proveEmailChange(r *http.Request, u storage.User, p proof) (emailChange, storage.Code, error) {
	var change emailChange
	code, err := s.tryCode(r, storage.CodeEmail, p, &change)
	if err == nil && code.UserID != u.ID {
		err = errWrongCode
	}
	return change, code, err
}

// emailForm is what the e-mail page shows.
type emailForm struct {
	formFaults
	Email     string // the address that counts, or ""
	Confirmed bool
	New       string // as typed
}

// emailPage shows the address and asks for another.
func (s *Server) emailPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account.Fresh(r)
	if err != nil {
		return err
	}
	return s.showEmail(w, r, a, "", nil)
}

func (s *Server) showEmail(w http.ResponseWriter, r *http.Request, a browser.Account, typed string, err error) error {
	status, alert := s.again(w, r, err)
	if status == 0 {
		return account.ChangedMeanwhile(err)
	}
	v := s.account.View(w, r, "account.email", a)
	v.Page, v.Alert = emailForm{formFaults: s.faultsOf(r, err), Email: address.Shown(a.User.Email), Confirmed: a.User.EmailVerified, New: typed}, alert
	return s.show(w, status, "account-email", v)
}

// postEmail has a code sent.
func (s *Server) postEmail(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account.Fresh(r)
	if err != nil {
		return err
	}
	typed := r.PostForm.Get("email")
	if r.PostForm.Get("this") != "" {
		typed = a.User.Email
	}
	flow, err := s.startEmailChange(r, a.User, typed)
	if err != nil {
		return s.showEmail(w, r, a, typed, err)
	}
	return seeOther(w, r, "/account/email/confirm", "flow", flow)
}

// emailConfirmForm is what the page for confirming an address shows.
type emailConfirmForm struct {
	formFaults
	Email       string // that is to be confirmed
	Flow, Token string // one of them
	Code        string // as typed
}

// emailConfirmPage takes the code, or asks whoever followed the link. It spends nothing:
// who looks at mails before people do follows links too.
func (s *Server) emailConfirmPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account.Current(r)
	var first *detour
	if errors.As(err, &first) {
		return s.say(w, r, http.StatusOK, "newemail.title", "newemail.elsewhere", ui.Link{Page: "/login?next=/account/email", Text: "signin.button"})
	}
	if err != nil {
		return err
	}
	return s.showEmailConfirm(w, r, a, nil)
}

func (s *Server) showEmailConfirm(w http.ResponseWriter, r *http.Request, a browser.Account, err error) error {
	status, alert := s.again(w, r, err)
	if status == 0 {
		return account.ChangedMeanwhile(err)
	}
	form := emailConfirmForm{formFaults: s.faultsOf(r, err), Flow: r.FormValue("flow"), Token: r.FormValue("token"), Code: strings.TrimSpace(r.PostForm.Get("code"))}
	var change emailChange
	if form.Token != "" {
		change, _, err = s.proveEmailChange(r, a.User, proof{Token: form.Token})
	} else {
		change, err = s.awaitedEmail(r, a.User, form.Flow)
	}
	if errors.Is(err, errWrongCode) {
		return s.say(w, r, http.StatusUnprocessableEntity, "confirm.gone_title", "newemail.gone", ui.Link{Page: "/account/email", Text: "newemail.again"})
	}
	if err != nil {
		return s.showEmail(w, r, a, "", err)
	}
	form.Email = address.Shown(change.Email)
	v := s.account.View(w, r, "newemail.title", a)
	v.Page, v.Alert = form, alert
	return s.show(w, status, "account-email-confirm", v)
}

// awaitedEmail is the change that waits for a code to be typed.
func (s *Server) awaitedEmail(r *http.Request, u storage.User, flow string) (change emailChange, err error) {
	code, err := s.Store.Code(r.Context(), u.TenantID, flow, time.Now())
	if errors.Is(err, storage.ErrNotFound) || err == nil && (code.UserID != u.ID || code.Purpose != storage.CodeEmail || code.Tries >= codeTries) {
		return change, errWrongCode
	}
	if err != nil {
		return change, err
	}
	return change, s.openCode(code, &change)
}

// postEmailConfirm changes the address.
func (s *Server) postEmailConfirm(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account.Current(r)
	if err != nil {
		return err
	}
	p := proof{Flow: r.PostForm.Get("flow"), Digits: strings.TrimSpace(r.PostForm.Get("code")), Token: r.PostForm.Get("token")}
	if p.Token == "" && p.Digits == "" {
		return s.showEmailConfirm(w, r, a, invalidf("code", "confirm.missing"))
	}
	user, err := s.confirmEmailChange(r, a.User, p)
	if err != nil {
		return s.showEmailConfirm(w, r, a, err)
	}
	if user.EmailKey == a.User.EmailKey {
		return account.Changed(w, r, "/account", "confirmed")
	}
	return account.Changed(w, r, "/account", "email")
}
