package login

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// appView is an app as the page shows it.
type appView struct {
	ID     string
	Client *ui.Client
	Since  string
	Wants  []string
}

// appsPage shows which apps may use the account, and for what.
func (s *Server) appsPage(w http.ResponseWriter, r *http.Request) error {
	return s.showApps(w, r, http.StatusOK, "")
}

func (s *Server) showApps(w http.ResponseWriter, r *http.Request, status int, alert string) error {
	a, err := s.account.Current(r)
	if err != nil {
		return err
	}
	all, err := s.Service.Apps(r.Context(), a.User)
	if err != nil {
		return err
	}
	v := s.account.View(w, r, "account.apps", a)
	var page []appView
	for _, one := range all {
		page = append(page, appView{
			ID: one.Client.ClientID, Client: ui.ClientOf(&one.Client, v.Words), Since: v.Words.Date(one.Since),
			Wants: wants(&storage.Interaction{Scopes: one.Scopes, Claims: one.Claims}, v.Words),
		})
	}
	v.Page, v.Alert = page, alert
	return s.show(w, status, "account-apps", v)
}

// postApps takes an app's access away.
func (s *Server) postApps(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account.Current(r)
	if err != nil {
		return err
	}
	switch err := s.DisconnectApp(r.Context(), s.askerOf(r), a.User, r.PostForm.Get("client")); {
	case errors.Is(err, storage.ErrNotFound):
		return s.showApps(w, r, http.StatusNotFound, s.words(r).Must("apps.gone"))
	case err != nil:
		return err
	}
	return account.Changed(w, r, "/account/apps", "app")
}
