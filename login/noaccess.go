package login

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// noAccess is what the page shows to a user who may not use the client.
type noAccess struct {
	Account *ui.Account
	Why     string
	Confirm bool // a confirmed address would help
	// Contacts are those of the client.
	Contacts []contact
	Again    string // where to try again
}

// contact is one of a client's contacts. Mail is where to write to, or "".
type contact struct{ Text, Mail string }

// refusals are the texts that say why a user may not use a client.
var refusals = map[string]string{
	storage.RefusedUnverified: "access.unverified",
	storage.RefusedDomain:     "access.domain",
	storage.RefusedGroup:      "access.group",
}

// noAccessPage says why the user may not use the client, and what to do. It names no group and no domain: these
// are the operator's.
func (s *Server) noAccessPage(w http.ResponseWriter, r *http.Request) error {
	in, account, err := s.asked(r)
	if err != nil {
		return err
	}
	if account.ID == "" {
		return s.goOn(w, r, in)
	}
	why, err := s.AccessRefusal(r.Context(), &in.Client, &account.User)
	if err != nil {
		return err
	}
	if why == "" {
		return s.goOn(w, r, in) // the user was let in meanwhile
	}
	s.NoteRefusal(r.Context(), s.askerFor(r, in), account.User, in.Client.ClientID, why)
	v := s.view(w, r, "access.title", in)
	page := noAccess{
		Account: ui.AccountOf(account), Why: v.Words.Must(refusals[why]), Again: in.ContinueURL,
		Confirm: why == storage.RefusedUnverified && account.User.Email != "",
	}
	for _, c := range in.Client.Contacts {
		one := contact{Text: c}
		if a, err := address.Read(c); err == nil {
			one.Mail = string(a.Recipient())
		}
		page.Contacts = append(page.Contacts, one)
	}
	v.Page = page
	return s.show(w, http.StatusForbidden, "no-access", v)
}
