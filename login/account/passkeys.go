package account

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

const passkeysPath = "/account/passkeys"

// passkeyView is a passkey as its user sees it.
type passkeyView struct {
	ID, Name string
	Synced   bool
	Alone    bool // it signs in by itself
	Copied   bool
	Broken   bool // its record cannot be read
	Added    string
	Used     ui.Stamp // zero if it was never used
	Fault    string
	Typed    string // in the field for its name
}

// passkeysView is what the page of passkeys shows.
type passkeysView struct {
	Passkeys []passkeyView
	// Known tells password managers which of theirs still work: JSON, or "".
	Known string
}

// passkeysPage shows the user's passkeys, and takes new ones. It needs a fresh proof before it is
// shown: a device that has made a passkey shows it for ever, also if nothing here accepts it.
func (s *Server) passkeysPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	all, known, err := s.People.Passkeys(r.Context(), s.Site.Asker(r), a.User)
	if err != nil {
		return err
	}
	v := s.view(w, r, "account.passkeys", a.Account)
	page := passkeysView{Known: known}
	for _, k := range all {
		one := passkeyView{
			ID: k.ID, Name: k.Name, Typed: k.Name, Synced: k.Key.Synced(), Alone: k.Key.SignsIn(), Copied: k.Key.Cloned(),
			Broken: k.Broken, Added: v.Words.Date(k.Added),
		}
		if !k.Key.LastUsed.IsZero() {
			one.Used = ui.StampOf(v.Words, k.Key.LastUsed)
		}
		if k.ID == ui.Typed(r, "rename", "") {
			one.Fault, one.Typed = ui.FaultsOf(r).Fault("name"), ui.Typed(r, "name", "")
		}
		page.Passkeys = append(page.Passkeys, one)
	}
	if known != "" {
		v.Passkey = &ui.PasskeyForm{Action: passkeysPath, Options: v.Path + passkeysPath + "/options", Create: true,
			Button: v.Words.Must("passkeys.add"), Fault: v.Words.Must("passkeys.failed"),
			Exists: v.Words.Must("passkeys.exists")}
		ui.AllowRequests(w)
	}
	v.Page, v.Alert = page, cmp.Or(v.Alert, ui.FaultsOf(r).Fault("passkey"))
	return s.Site.Show(w, http.StatusOK, "account-passkeys", v)
}

// newPasskeyOptions gives the page's script a challenge to make a passkey.
func (s *Server) newPasskeyOptions(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	challenge, err := s.People.StartAddingPasskey(r.Context(), s.Site.Asker(r), a.owner, browser.Binding(w, r))
	if err != nil {
		return err
	}
	return ui.SendJSON(w, challenge)
}

// postPasskeys adds, names or removes a passkey.
func (s *Server) postPasskeys(w http.ResponseWriter, r *http.Request) error {
	// A new passkey needs a fresh proof, which the challenge shows. A name needs none.
	a, err := s.current(r)
	if err != nil {
		return err
	}
	f, asker := r.PostForm, s.Site.Asker(r)
	what := "passkey-added"
	switch {
	case f.Has("remove"):
		own, stale := s.fresh(r)
		if stale != nil {
			return stale
		}
		what, err = "passkey-removed", s.People.RemovePasskey(r.Context(), asker, own.owner, f.Get("remove"))
	case f.Has("rename"):
		what, err = "passkey-named", s.People.RenamePasskey(r.Context(), a.User, f.Get("rename"), f.Get("name"))
	default:
		p := people.PasskeyProof{Bound: browser.Bindings(r), State: f.Get("state"), Answer: f.Get("answer")}
		err = s.People.AddPasskey(r.Context(), asker, a.User, p, f.Get("name"))
	}
	if err != nil {
		return s.passkeysFailed(w, r, err)
	}
	return changed(w, r, passkeysPath, what)
}

// passkeysFailed sends the browser back to the page, which says what is wrong, or returns err.
func (s *Server) passkeysFailed(w http.ResponseWriter, r *http.Request, err error) error {
	words := ui.Words(r)
	status, alert := http.StatusUnprocessableEntity, ""
	switch {
	case errors.Is(err, storage.ErrNotFound):
		status, alert = http.StatusNotFound, words.Must("passkeys.gone")
	case errors.Is(err, people.ErrLastWayIn):
		status, alert = http.StatusConflict, words.Must("passkeys.last")
	case errors.Is(err, people.ErrWrongPasskey):
		alert = words.Must("passkeys.failed")
	case errors.Is(err, people.ErrLatePasskey):
		alert = words.Must("passkey.late")
	default:
		return s.Site.Refuse(w, r, passkeysPath, err, "rename", "name")
	}
	return s.Site.RefuseWith(w, r, passkeysPath, status, alert)
}
