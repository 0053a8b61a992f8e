package login

import (
	"errors"
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// identitiesView is what the page of linked identities shows.
type identitiesView struct {
	Linked []identityView
	Others []ui.Upstream // that could be linked
}

type identityView struct{ Provider, Subject, Name, Email, Since string }

// identitiesPage shows what the person can sign in with that they have elsewhere.
func (s *Server) identitiesPage(w http.ResponseWriter, r *http.Request) error {
	return s.showIdentities(w, r, http.StatusOK, s.turnedAway(r))
}

func (s *Server) showIdentities(w http.ResponseWriter, r *http.Request, status int, alert string) error {
	a, err := s.account.Current(r)
	if err != nil {
		return err
	}
	ids, err := s.Store.IdentitiesOf(r.Context(), a.User.TenantID, a.User.ID)
	if err != nil {
		return err
	}
	v := s.account.View(w, r, "account.identities", a)
	page := identitiesView{Others: s.offeredUpstreams(web.TenantOf(r.Context()), "")}
	for _, i := range ids {
		page.Others = slices.DeleteFunc(page.Others, func(o ui.Upstream) bool { return o.ID == i.Provider })
		name, _ := s.upstreamName(r, i.Provider)
		page.Linked = append(page.Linked, identityView{i.Provider, i.Subject, name, i.Email, v.Words.Date(i.CreatedAt)})
	}
	v.Page, v.Alert = page, alert
	ui.AllowFormsAnywhere(w) // the form leads to a provider, and from there to wherever that asks people
	return s.show(w, status, "account-identities", v)
}

// postIdentities sends the person to a provider to link what they have there, or takes one
// off their account.
func (s *Server) postIdentities(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account.Fresh(r)
	if err != nil {
		return err
	}
	if add := r.PostForm.Get("add"); add != "" {
		p, err := s.upstream(web.TenantOf(r.Context()), add)
		if errors.Is(err, storage.ErrNotFound) {
			return s.showIdentities(w, r, http.StatusNotFound, s.words(r).Must("identity.gone"))
		}
		if err != nil {
			return err
		}
		return s.depart(w, r, nil, p, &trip{Upstream: p.ID, Session: a.ID, UserID: a.User.ID, Locales: ui.UILocales(r)})
	}
	switch err := s.unlinkIdentity(r, a.User, r.PostForm.Get("provider"), r.PostForm.Get("subject")); {
	case errors.Is(err, storage.ErrNotFound):
		return s.showIdentities(w, r, http.StatusNotFound, s.words(r).Must("identity.gone"))
	case errors.Is(err, errLastWayIn):
		return s.showIdentities(w, r, http.StatusConflict, s.words(r).Must("identity.last"))
	case err != nil:
		return err
	}
	return account.Changed(w, r, "/account/identities", "unlinked")
}
