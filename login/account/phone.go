package account

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
)

// phoneForm is what the phone page shows.
type phoneForm struct {
	ui.FormFaults
	Phone     string // the number that counts, or ""
	Confirmed bool
	New       string // as typed
}

// phonePage shows the number and asks for another.
func (s *Server) phonePage(w http.ResponseWriter, r *http.Request) error {
	if !s.People.HasPhones() {
		return &web.Problem{Status: http.StatusNotFound}
	}
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	v := s.view(w, r, "account.phone", a.Account)
	v.Page = phoneForm{FormFaults: ui.FaultsOf(r), Phone: a.User.Phone, Confirmed: a.User.PhoneVerified,
		New: ui.Typed(r, "phone", "")}
	return s.Site.Show(w, http.StatusOK, "account-phone", v)
}

// postPhone has a code sent, or takes the number away.
func (s *Server) postPhone(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("remove") != "" {
		_, err := s.People.RemovePhone(r.Context(), s.Site.Asker(r), a.owner)
		if errors.Is(err, people.ErrLastWayIn) {
			return s.Site.RefuseWith(w, r, "/account/phone", http.StatusConflict, ui.Words(r).Must("phone.last"))
		}
		if err != nil {
			return s.refuse(w, r, "/account/phone", err)
		}
		return changed(w, r, "/account", "phone-removed")
	}
	typed := strings.TrimSpace(r.PostForm.Get("phone"))
	flow, err := s.People.StartPhoneChange(r.Context(), s.Site.Asker(r), a.owner, typed)
	if err != nil {
		return s.refuse(w, r, "/account/phone", err, "phone")
	}
	http.Redirect(w, r, web.TenantOf(r.Context()).Path+"/account/phone/confirm?"+url.Values{"flow": {flow}}.Encode(),
		http.StatusSeeOther)
	return nil
}

// phoneConfirmForm is what the page for confirming a number shows.
type phoneConfirmForm struct {
	ui.FormFaults
	ui.Again
	Phone string // that is to be confirmed
	Flow  string
}

// phoneConfirmPage takes the code.
func (s *Server) phoneConfirmPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	form := phoneConfirmForm{FormFaults: ui.FaultsOf(r), Flow: r.FormValue("flow")}
	awaited, err := s.People.AwaitedPhone(r.Context(), a.User, form.Flow)
	if err != nil {
		return ui.CodeGone(err)
	}
	form.Phone, form.Again = awaited.To, ui.AgainAt(awaited.ResendAt)
	v := s.view(w, r, "bycode.phone_title", a)
	v.Page = form
	return s.Site.Show(w, http.StatusOK, "account-phone-confirm", v)
}

// postPhoneConfirm changes the number, or sends another code.
func (s *Server) postPhoneConfirm(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("resend") != "" {
		flow, err := s.People.ResendPhoneChange(r.Context(), s.Site.Asker(r), a.User, r.PostForm.Get("flow"))
		if err != nil {
			return s.refuse(w, r, "/account/phone/confirm", err)
		}
		return ui.SeeOther(w, r, "/account/phone/confirm", "flow", flow, "sent", "1")
	}
	p := people.Proof{Flow: r.PostForm.Get("flow"), Digits: strings.TrimSpace(r.PostForm.Get("code"))}
	if p.Digits == "" {
		return s.Site.Refuse(w, r, "/account/phone/confirm", people.Invalid("code", "confirm.missing"))
	}
	if _, err := s.People.ConfirmPhoneChange(r.Context(), s.Site.Asker(r), a.User, p); err != nil {
		return s.refuse(w, r, "/account/phone/confirm", err)
	}
	return changed(w, r, "/account", "phone")
}
