package reset

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
)

// notMeForm is the page on which a user says that a change was not theirs.
type notMeForm struct {
	Token   string // of the link
	Address string // that the account gets back; "" when it has it
	Again   bool   // it was said already, and a code can be sent once more
}

// notMePage asks. It changes nothing: mail scanners open every link.
func (s *Server) notMePage(w http.ResponseWriter, r *http.Request) error {
	token := r.FormValue("t")
	d, err := s.OpenDisavowal(r.Context(), s.Site.Asker(r), token)
	if err != nil {
		return s.notMeFailed(w, r, err)
	}
	return s.showNotMe(w, r, notMeForm{Token: token, Address: d.Address})
}

func (s *Server) showNotMe(w http.ResponseWriter, r *http.Request, form notMeForm) error {
	v := s.Site.View(w, r, "notme.title", nil)
	v.Page = form
	return s.Site.Show(w, http.StatusOK, "notme", v)
}

// notMe does what the page promised, or sends the code once more.
func (s *Server) notMe(w http.ResponseWriter, r *http.Request) error {
	a, token := s.Site.Asker(r), r.FormValue("t")
	flow, err := s.Disavow(r.Context(), a, token)
	if errors.Is(err, people.ErrSecured) && r.PostForm.Get("again") != "" {
		flow, err = s.SendReopening(r.Context(), a, token)
		if refused := people.Refusal(""); err != nil && !errors.As(err, &refused) {
			return s.Site.Refuse(w, r, "/not-me", err)
		}
	}
	if err != nil {
		return s.notMeFailed(w, r, err)
	}
	return ui.SeeOther(w, r, "/reset", "flow", flow)
}

// notMeFailed says why a link does nothing, and what to do then.
func (s *Server) notMeFailed(w http.ResponseWriter, r *http.Request, err error) error {
	next := []ui.Link{{Page: "/login", Text: "signin.button"}}
	if s.resets(r) {
		next = []ui.Link{{Page: "/forgot", Text: "notme.forgot"}, {Page: "/login", Text: "signin.button"}}
	}
	switch {
	case errors.Is(err, people.ErrLateDisavowal):
		return s.Site.Tell(w, r, http.StatusGone, "notme.late_title", "notme.late", next...)
	case errors.Is(err, people.ErrNoDisavowal):
		return s.Site.Tell(w, r, http.StatusUnprocessableEntity, "notme.bad_title", "notme.bad", next...)
	case errors.Is(err, people.ErrMovedAway):
		return s.Site.Tell(w, r, http.StatusConflict, "notme.moved_title", "notme.moved")
	case errors.Is(err, people.ErrSecured):
		if r.Method == http.MethodPost {
			return ui.SeeOther(w, r, "/not-me", "t", r.FormValue("t"))
		}
		return s.showNotMe(w, r, notMeForm{Token: r.FormValue("t"), Again: true})
	case errors.Is(err, people.ErrDisavowed):
		return s.Site.Tell(w, r, http.StatusGone, "notme.done_title", "notme.done", next...)
	}
	return err
}
