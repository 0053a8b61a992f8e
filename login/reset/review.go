package reset

import (
	"errors"
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

const reviewCookie = "review"

// reviewing returns the user whose account the browser may look over. storage.ErrNotFound.
func (s *Server) reviewing(r *http.Request) (storage.User, error) {
	return s.ReviewedUser(r.Context(), s.Site.Asker(r), browser.Cookie(r, reviewCookie))
}

// openerView is a people.Opener in words.
type openerView struct {
	Name, Detail string
	Key          string // names it in the form; "" if it stays
	Asked        bool   // it is asked for when the user signs in
}

func openerViewOf(w texts.Words, o people.Opener) openerView {
	v := openerView{Name: w.Must(o.Text, o.Args...), Key: o.Key, Asked: o.Asked}
	if !o.Since.IsZero() {
		v.Detail = w.Must("review.since", w.Date(o.Since))
	}
	if o.Email != "" {
		v.Detail = o.Email + " · " + v.Detail
	}
	return v
}

// reviewPage is what the page after a reset shows.
type reviewPage struct {
	Lead    string
	Openers []openerView
	Removes bool // something can be taken away
}

// resetDonePage says that the reset is done, and what else opens the account. A reset signs no user in: a
// user who has the mailbox may not have the second factor.
func (s *Server) resetDonePage(w http.ResponseWriter, r *http.Request) error {
	title, lead := "reset.done_title", "reset.done"
	if r.FormValue("opened") != "" {
		title, lead = "review.opened_title", "review.opened"
	}
	u, err := s.reviewing(r)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	var openers []people.Opener
	if err == nil {
		if openers, err = s.Openers(r.Context(), s.Site.Asker(r), u); err != nil {
			return err
		}
	}
	if len(openers) == 0 {
		return s.Site.Tell(w, r, http.StatusOK, title, lead, ui.Link{Page: "/login", Text: "signin.button"})
	}
	in, err := s.Site.Interaction(r)
	if err != nil {
		return err
	}
	v := s.Site.View(w, r, title, in)
	page := reviewPage{Lead: v.Words.Must(lead),
		Removes: slices.ContainsFunc(openers, func(o people.Opener) bool { return o.Key != "" })}
	for _, o := range openers {
		page.Openers = append(page.Openers, openerViewOf(v.Words, o))
	}
	v.Page = page
	if r.FormValue("removed") != "" {
		v.Done = v.Words.Must("review.removed")
	}
	return s.Site.Show(w, http.StatusOK, "review", v)
}

// reviewed takes away what the user has ticked.
func (s *Server) reviewed(w http.ResponseWriter, r *http.Request) error {
	u, err := s.reviewing(r)
	if errors.Is(err, storage.ErrNotFound) {
		return s.Site.Tell(w, r, http.StatusUnprocessableEntity, "confirm.gone_title", "review.late",
			ui.Link{Page: "/login", Text: "signin.button"})
	}
	if err != nil {
		return err
	}
	ticked := func(key string) bool { return r.PostForm.Get("remove "+key) != "" }
	switch err := s.RemoveOpeners(r.Context(), s.Site.Asker(r), u, ticked); {
	case errors.Is(err, people.ErrNothingChosen):
		return s.Site.RefuseWith(w, r, "/reset/done", http.StatusUnprocessableEntity, ui.Words(r).Must("review.nothing"))
	case errors.Is(err, people.ErrLastWayIn):
		return s.Site.RefuseWith(w, r, "/reset/done", http.StatusConflict, ui.Words(r).Must("identity.last"))
	case err != nil:
		return ui.ChangedMeanwhile(err)
	}
	return ui.SeeOther(w, r, "/reset/done", "removed", "1")
}
