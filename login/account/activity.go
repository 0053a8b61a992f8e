package account

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// activityPageSize is how many events a page shows.
const activityPageSize = 25

// eventView is an event as the page shows it to the user that it concerns.
type eventView struct {
	What string
	At   ui.Stamp
	IP   string
	App  string
	// Reason is why an administrator signed in as the user.
	Reason string
}

// activityList is what the activity page shows.
type activityList struct {
	Events []eventView
	Older  string // where the next page begins, or ""
	First  bool
	// Password says that the user may change a password.
	Password bool
}

// activityPage shows what happened with the account, newest first.
func (s *Server) activityPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	before := r.FormValue("before")
	all, err := s.People.Activity(r.Context(), a.User, before, activityPageSize)
	if err != nil {
		return err
	}
	v := s.view(w, r, "account.activity", a)
	page := activityList{First: before == "", Older: all.Older, Password: s.Site.Asker(r).UsesPasswords()}
	for _, e := range all.Events {
		app := ""
		if client, ok := all.Clients[e.ClientID]; ok {
			app = ui.ClientOf(&client, v.Words).Name
		}
		page.Events = append(page.Events, eventView{
			What: happened(v.Words, e.Kind), At: ui.StampOf(v.Words, e.At), IP: e.IP, App: app,
			Reason: reasonOf(e),
		})
	}
	v.Page = page
	return s.Site.Show(w, http.StatusOK, "account-activity", v)
}

// reasonOf returns why an administrator signed in as the user; "" for events of other kinds.
func reasonOf(e storage.Event) string {
	if e.Kind == storage.EventActingBegan || e.Kind == storage.EventActingEnded {
		return e.Detail["reason"]
	}
	return ""
}

// happened returns the sentence for a kind of event.
func happened(w texts.Words, kind string) string { return w.Must(storage.EventSentence(kind)) }
