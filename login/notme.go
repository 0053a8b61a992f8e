package login

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// notMeForm is what the page shows on which somebody says that a change was not theirs.
type notMeForm struct {
	Token   string // of the link
	Address string // that the account gets back; "" when it has it
	Again   bool   // it was said already, and a code can be sent once more
}

// notMePage asks. It changes nothing: mail scanners open every link.
func (s *Server) notMePage(w http.ResponseWriter, r *http.Request) error {
	d, err := s.openDisavowal(r)
	if err != nil {
		return s.notMeFailed(w, r, d, err)
	}
	u, _, err := s.disavowed(r, d)
	if err != nil {
		return s.notMeFailed(w, r, d, err)
	}
	form := notMeForm{Token: r.FormValue("t")}
	if _, needed, _ := d.restores(u); needed {
		form.Address = address.Shown(d.Email)
	}
	return s.showNotMe(w, r, http.StatusOK, form, "")
}

func (s *Server) showNotMe(w http.ResponseWriter, r *http.Request, status int, form notMeForm, alert string) error {
	v := s.view(w, r, "notme.title", nil)
	v.Page, v.Alert = form, alert
	return s.show(w, status, "notme", v)
}

// notMe does what the page promised, or sends the code once more.
func (s *Server) notMe(w http.ResponseWriter, r *http.Request) error {
	d, err := s.openDisavowal(r)
	if err != nil {
		return s.notMeFailed(w, r, d, err)
	}
	flow, err := s.disavow(r, d)
	if errors.Is(err, errDisavowed) && r.PostForm.Get("again") != "" {
		u, _, err := s.disavowed(r, d)
		if !errors.Is(err, errDisavowed) || u.SecuredAt.IsZero() {
			return s.notMeFailed(w, r, d, err)
		}
		if flow, err = s.sendReopening(r, u); err != nil {
			return s.showNotMeAgain(w, r, err)
		}
		return seeOther(w, r, "/reset", "flow", flow)
	}
	if err != nil {
		return s.notMeFailed(w, r, d, err)
	}
	return seeOther(w, r, "/reset", "flow", flow)
}

// showNotMeAgain offers another code to who has said it already.
func (s *Server) showNotMeAgain(w http.ResponseWriter, r *http.Request, err error) error {
	status, alert := s.again(w, r, err)
	if status == 0 {
		return err
	}
	return s.showNotMe(w, r, status, notMeForm{Token: r.FormValue("t"), Again: true}, alert)
}

// notMeFailed says why a link does nothing, and what to do then.
func (s *Server) notMeFailed(w http.ResponseWriter, r *http.Request, d disavowal, err error) error {
	next := []ui.Link{{Page: "/login", Text: "signin.button"}}
	if s.resets(r) {
		next = []ui.Link{{Page: "/forgot", Text: "notme.forgot"}, {Page: "/login", Text: "signin.button"}}
	}
	switch {
	case errors.Is(err, errLateDisavowal):
		return s.say(w, r, http.StatusGone, "notme.late_title", "notme.late", next...)
	case errors.Is(err, errNoDisavowal):
		return s.say(w, r, http.StatusUnprocessableEntity, "notme.bad_title", "notme.bad", next...)
	case errors.Is(err, errMovedAway):
		return s.say(w, r, http.StatusConflict, "notme.moved_title", "notme.moved")
	case errors.Is(err, errDisavowed):
		u, err := s.Store.User(r.Context(), web.TenantOf(r.Context()).ID, d.UserID)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		if !u.SecuredAt.IsZero() {
			return s.showNotMeAgain(w, r, nil)
		}
		return s.say(w, r, http.StatusGone, "notme.done_title", "notme.done", next...)
	}
	return err
}
