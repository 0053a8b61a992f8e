package account

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/claims"
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
	a, err := s.current(r)
	if err != nil {
		return err
	}
	all, err := s.People.Apps(r.Context(), a.User)
	if err != nil {
		return err
	}
	v := s.view(w, r, "account.apps", a)
	tenant := &web.TenantOf(r.Context()).Tenant
	var page []appView
	for _, one := range all {
		page = append(page, appView{
			ID: one.Client.ClientID, Client: ui.ClientOf(&one.Client, v.Words), Since: v.Words.Date(one.Since),
			Wants: ui.Wishes(v.Words, &tenant.Settings, claims.RulesOf(tenant, &one.Client), one.Scopes, one.Claims,
				one.Resources),
		})
	}
	v.Page = page
	return s.Site.Show(w, http.StatusOK, "account-apps", v)
}

// postApps withdraws an app's access.
func (s *Server) postApps(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	switch err := s.People.DisconnectApp(r.Context(), s.Site.Asker(r), a.User, r.PostForm.Get("client")); {
	case errors.Is(err, storage.ErrNotFound):
		return s.Site.RefuseWith(w, r, "/account/apps", http.StatusNotFound, ui.Words(r).Must("apps.gone"))
	case err != nil:
		return err
	}
	return changed(w, r, "/account/apps", "app")
}
