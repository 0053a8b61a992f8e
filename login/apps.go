package login

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// app is a client that may use a person's account: by their consent, or because the
// operator's own clients need none.
type app struct {
	client         storage.Client
	scopes, claims []string
	since          time.Time
}

func (o *overview) connected() string {
	if o.apps == 0 {
		return ""
	}
	return o.words.Must("account.apps.count", o.apps)
}

// appsOf are the apps that may use the person's account, by name.
func (s *Server) appsOf(r *http.Request, u storage.User, sessions []storage.Session) ([]app, error) {
	ctx := r.Context()
	consents, err := s.Store.ConsentsOf(ctx, u.TenantID, u.ID)
	if err != nil {
		return nil, err
	}
	grants, err := s.Store.GrantsOf(ctx, u.TenantID, u.ID, time.Now())
	if err != nil {
		return nil, err
	}
	byID := map[string]*app{}
	for _, c := range consents {
		byID[c.ClientID] = &app{scopes: c.Scopes, claims: c.Claims, since: c.GrantedAt}
	}
	for _, g := range grants {
		if !grantLives(g, u, sessions) {
			continue
		}
		a := byID[g.ClientID]
		if a == nil {
			a = &app{since: g.CreatedAt}
			byID[g.ClientID] = a
		}
		a.scopes = union(a.scopes, g.Scopes)
		if g.CreatedAt.Before(a.since) {
			a.since = g.CreatedAt
		}
	}
	var all []app
	for id, a := range byID {
		a.client, err = s.Store.Client(ctx, u.TenantID, id)
		if errors.Is(err, storage.ErrNotFound) {
			continue // removed this very moment, with all that it had
		}
		if err != nil {
			return nil, err
		}
		all = append(all, *a)
	}
	slices.SortFunc(all, func(a, b app) int {
		return cmp.Or(cmp.Compare(a.client.ClientName, b.client.ClientName), cmp.Compare(a.client.ClientID, b.client.ClientID))
	})
	return all, nil
}

// grantLives leaves out grants that nobody has revoked and that yet give nothing more.
func grantLives(g storage.Grant, u storage.User, sessions []storage.Session) bool {
	return g.CredentialVersion == u.CredentialVersion &&
		(g.Offline || slices.ContainsFunc(sessions, func(s storage.Session) bool { return s.ID == g.SessionID }))
}

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
	a, err := s.mine(r)
	if err != nil {
		return err
	}
	all, err := s.currentApps(r, a.User)
	if err != nil {
		return err
	}
	v := s.accountView(w, r, "account.apps", a)
	var page []appView
	for _, one := range all {
		page = append(page, appView{
			ID: one.client.ClientID, Client: ui.ClientOf(&one.client, v.Words), Since: v.Words.Date(one.since),
			Wants: wants(&storage.Interaction{Scopes: one.scopes, Claims: one.claims}, v.Words),
		})
	}
	v.Page, v.Alert = page, alert
	return s.show(w, status, "account-apps", v)
}

func (s *Server) currentApps(r *http.Request, u storage.User) ([]app, error) {
	sessions, err := s.sessionsOf(r, u)
	if err != nil {
		return nil, err
	}
	return s.appsOf(r, u, sessions)
}

// postApps takes an app's access away.
func (s *Server) postApps(w http.ResponseWriter, r *http.Request) error {
	a, err := s.mine(r)
	if err != nil {
		return err
	}
	switch err := s.disconnect(r, a.User, r.PostForm.Get("client")); {
	case errors.Is(err, storage.ErrNotFound):
		return s.showApps(w, r, http.StatusNotFound, s.words(r).Must("apps.gone"))
	case err != nil:
		return err
	}
	return changed(w, r, "/account/apps", "app")
}

// disconnect withdraws what the person allowed a client, and revokes all that it was
// given. ErrNotFound: it has nothing, or another withdrew it this very moment.
func (s *Server) disconnect(r *http.Request, u storage.User, clientID string) error {
	all, err := s.currentApps(r, u)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(a app) bool { return a.client.ClientID == clientID })
	if i < 0 {
		return storage.ErrNotFound
	}
	if err := s.Store.RemoveConsent(r.Context(), u.TenantID, u.ID, clientID, time.Now()); err != nil {
		return err
	}
	mails, err := s.told(r, u, "notice.app", ui.ClientOf(&all[i].client, s.words(r)).Name)
	if err != nil {
		return err
	}
	return s.tell(r, u, mails, storage.Event{Kind: storage.EventConsentWithdrawn, ClientID: clientID})
}
