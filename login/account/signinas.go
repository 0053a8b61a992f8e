package account

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/acting"
)

// ticketCookie holds the ticket by which an administrator came: the address of the page must not.
const ticketCookie = "acting-ticket"

// signInAsForm is what the page shows on which an administrator signs in as a user.
type signInAsForm struct {
	ui.FormFaults
	// Account is that of the user, where a ticket names one.
	Account      *ui.Account
	User, Reason string
	Notify       bool // the user gets a mail
	Most         int  // characters of a reason
}

// signInAsPage asks an administrator for a user and a reason; or, of one who came by a ticket, for a click.
func (s *Server) signInAsPage(w http.ResponseWriter, r *http.Request) error {
	if sealed := r.FormValue(acting.Ticket); sealed != "" {
		browser.SetCookie(w, r, ticketCookie, sealed, acting.TicketLife)
		return ui.SeeOther(w, r, acting.Path)
	}
	if on := ui.ActingOf(r); on != nil {
		return s.Site.Show(w, http.StatusOK, "account-signed-in-as", s.view(w, r, "acting.on_title", *on))
	}
	a, err := s.administrator(r)
	if err != nil {
		return err
	}
	form := signInAsForm{FormFaults: ui.FaultsOf(r), User: ui.Typed(r, "user", ""), Reason: ui.Typed(r, "reason", ""),
		Notify: web.TenantOf(r.Context()).Settings.SignInAs.Notify, Most: acting.MaxReason}
	in, came, err := s.ticketOf(r, a)
	if err != nil {
		return err
	}
	v := s.view(w, r, "acting.title", a.Account)
	if !came && browser.Cookie(r, ticketCookie) != "" {
		browser.SetCookie(w, r, ticketCookie, "", 0)
		v.Alert = cmp.Or(v.Alert, v.Words.Must(string(acting.ErrTicketGone)))
	}
	if came {
		u, err := s.Acting.Check(r.Context(), s.Site.Asker(r), a.User, in)
		if err != nil {
			browser.SetCookie(w, r, ticketCookie, "", 0)
			return refusedTicket(err)
		}
		form.Account, form.User, form.Reason = ui.AccountOfUser(u), u.ID, in.Reason
	}
	v.Page = form
	return s.Site.Show(w, http.StatusOK, "account-sign-in-as", v)
}

// postSignInAs signs the administrator in as the user.
func (s *Server) postSignInAs(w http.ResponseWriter, r *http.Request) error {
	a, err := s.administrator(r)
	if err != nil {
		return err
	}
	asker := s.Site.Asker(r)
	in, came, err := s.ticketOf(r, a)
	if err != nil {
		return err
	}
	if came = came && in.UserID == r.PostForm.Get("user"); !came { // the page showed another user, or none
		in = acting.Request{}
		in.Reason = r.PostForm.Get("reason")
		if in.UserID, err = s.Acting.Find(r.Context(), asker, r.PostForm.Get("user")); err != nil {
			return s.Site.Refuse(w, r, acting.Path, err, "user", "reason")
		}
	}
	sess, value, err := s.Acting.Begin(r.Context(), asker, a.Account, in)
	var refused people.Refusal
	if errors.As(err, &refused) && (refused == acting.ErrAdministrator || refused == acting.ErrDisabled) && !came {
		err = people.Invalid("user", string(refused))
	}
	if err != nil {
		return s.Site.Refuse(w, r, acting.Path, err, "user", "reason")
	}
	browser.SetCookie(w, r, ticketCookie, "", 0)
	s.Site.Sessions.HoldActing(w, r, value, sess.ExpiresAt)
	return ui.SeeOther(w, r, "/account")
}

// endSignInAs ends the session of the administrator who is signed in as a user.
func (s *Server) endSignInAs(w http.ResponseWriter, r *http.Request) error {
	on := ui.ActingOf(r)
	if on == nil {
		return ui.SeeOther(w, r, "/account")
	}
	err := s.Site.Sessions.EndActing(w, r, *on, "ended by the administrator", s.Site.Asker(r).Event)
	if err != nil {
		return err
	}
	return changed(w, r, "/account", "acting")
}

// administrator returns the account of an administrator who may sign in as users, and has just proven to own it.
func (s *Server) administrator(r *http.Request) (ownAccount, error) {
	a, err := s.current(r)
	asker := s.Site.Asker(r)
	switch {
	case err != nil:
	case !asker.Tenant.Settings.SignInAs.Enabled:
		err = acting.ErrOff
	case !acting.May(asker, a.User):
		err = acting.ErrNotAllowed
	}
	if err != nil {
		return ownAccount{Account: a}, err
	}
	return s.fresh(r)
}

// ticketOf returns what the ticket asks for by which the administrator came, and whether there is one.
func (s *Server) ticketOf(r *http.Request, a ownAccount) (in acting.Request, came bool, err error) {
	sealed := browser.Cookie(r, ticketCookie)
	if sealed == "" {
		return in, false, nil
	}
	in, err = s.Acting.Open(r.Context(), s.Site.Asker(r), a.User, sealed)
	if errors.Is(err, acting.ErrTicketGone) {
		return in, false, nil // of another administrator, too old, or used: the form is there without it
	}
	return in, err == nil, err
}

// refusedTicket returns the error of a ticket for a user who is removed, disabled or an administrator by now.
func refusedTicket(err error) error {
	var faults people.Faults
	if errors.As(err, &faults) {
		return acting.ErrTicketGone
	}
	return err
}

// signsInAs reports whether the start page offers the administrator to sign in as a user.
func (o *overview) signsInAs() bool { return acting.May(o.asker, o.user) }

// actingAccount returns the account in whose place an administrator uses the browser. Only pages to look at ask for it.
func actingAccount(r *http.Request) (sessions.Account, bool) {
	on := ui.ActingOf(r)
	if on == nil || r.Method == http.MethodPost {
		return sessions.Account{}, false
	}
	return *on, true
}
