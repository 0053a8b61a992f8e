package login

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// selectPage shows the accounts that this browser is signed in to.
func (s *Server) selectPage(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	all, err := s.Sessions.All(r)
	if err != nil {
		return err
	}
	v := s.view(w, r, "select.title", in)
	var accounts []*ui.Account
	for _, a := range all {
		accounts = append(accounts, ui.AccountOf(a))
	}
	v.Page = accounts
	return s.show(w, http.StatusOK, "select", v)
}

// choose makes an account the current one.
func (s *Server) choose(w http.ResponseWriter, r *http.Request) error {
	in, err := s.interaction(r)
	if err != nil {
		return err
	}
	err = s.Sessions.Choose(w, r, r.PostForm.Get("account"))
	if errors.Is(err, storage.ErrNotFound) {
		return s.site.RefuseWith(w, r, "/select", http.StatusUnprocessableEntity, s.words(r).Must("select.gone"))
	}
	if err != nil {
		return err
	}
	return s.goOn(w, r, in)
}

// signOutForm is what the sign-out page shows.
type signOutForm struct {
	Letter  string // the client's request to sign out, to carry along, or ""
	Account *ui.Account
	Others  int // how many accounts more the browser is signed in to
	Total   int
}

// signOutPage asks whether to sign out. A client may have sent the browser here with a sealed
// request, l, which the protocol carries on with. The pages of signing out all keep their tie to
// the page that opened their window. The client's own page waits for the end, and the page of
// another site must not see from a lost tie whether a user was signed in.
func (s *Server) signOutPage(w http.ResponseWriter, r *http.Request) error {
	ui.KeepOpener(w)
	all, err := s.Sessions.ActingAndAll(r)
	if err != nil {
		return err
	}
	letter := r.FormValue("l")
	if len(all) == 0 {
		return s.signedOutOf(w, r, letter)
	}
	v := s.view(w, r, "signout.title", nil)
	v.Page = signOutForm{Letter: letter, Account: ui.AccountOf(all[0]), Others: len(all) - 1, Total: len(all)}
	if letter != "" {
		// The client's page is where the form leads in the end, and only the letter knows
		// its address.
		ui.AllowFormsAnywhere(w)
	}
	return s.show(w, http.StatusOK, "signout", v)
}

// signOut ends the current session, or all that the browser has.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	ui.KeepOpener(w)
	all, err := s.Sessions.ActingAndAll(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("all") == "" {
		all = all[:min(len(all), 1)]
	}
	if len(all) > 0 && all[0].Act != nil {
		if err := s.Sessions.EndActing(w, r, all[0], "ended by the administrator", s.askerOf(r).Event); err != nil {
			return err
		}
		all = all[1:]
	}
	recorded := func(a sessions.Account, ch *storage.Change) {
		ch.Events = []storage.Event{s.askerOf(r).Event(
			storage.Event{Kind: storage.EventSessionEnded, UserID: a.UserID, Detail: map[string]string{"session": a.ID}})}
	}
	if err := s.Sessions.End(w, r, recorded, ids(all)...); err != nil {
		return err
	}
	return s.signedOutOf(w, r, r.PostForm.Get("l"))
}

// signedOutOf sends the browser on if no user is left to sign out.
func (s *Server) signedOutOf(w http.ResponseWriter, r *http.Request, letter string) error {
	target := web.TenantOf(r.Context()).Path + "/signed-out"
	if letter != "" {
		target = web.TenantOf(r.Context()).Path + s.LogoutPath + "?l=" + url.QueryEscape(letter)
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
	return nil
}

// ids returns the ids of the sessions of the accounts.
func ids(accounts []sessions.Account) []string {
	var out []string
	for _, a := range accounts {
		out = append(out, a.ID)
	}
	return out
}

// signedOutPage says that it is done.
func (s *Server) signedOutPage(w http.ResponseWriter, r *http.Request) error {
	ui.KeepOpener(w)
	return s.show(w, http.StatusOK, "signedout", s.view(w, r, "signedout.title", nil))
}
