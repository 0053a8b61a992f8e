package account

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

const identitiesPath = "/account/identities"

// identitiesView is what the page of linked identities shows.
type identitiesView struct {
	Linked []identityView
	Others []ui.Upstream // that could be linked
}

type identityView struct{ Provider, Subject, Name, Email, Since string }

// identitiesPage shows what the user has at upstream providers and can sign in with.
func (s *Server) identitiesPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	ids, err := s.People.Identities(r.Context(), a.User)
	if err != nil {
		return err
	}
	v := s.view(w, r, "account.identities", a)
	t := web.TenantOf(r.Context())
	page := identitiesView{Others: ui.UpstreamsOf(s.People.Upstreams(t), ui.All, false)}
	for _, i := range ids {
		page.Others = slices.DeleteFunc(page.Others, func(o ui.Upstream) bool { return o.ID == i.Provider })
		name, _ := s.People.UpstreamName(t, i.Provider)
		page.Linked = append(page.Linked, identityView{i.Provider, i.Subject, name, i.Email, v.Words.Date(i.CreatedAt)})
	}
	v.Page, v.Alert = page, cmp.Or(v.Alert, ui.UpstreamAlert(r, s.People.Service))
	ui.AllowFormsAnywhere(w) // the form leads to a provider, which may redirect to other hosts
	return s.Site.Show(w, http.StatusOK, "account-identities", v)
}

// postIdentities sends the browser to a provider, to link what the user has there, or takes an identity
// off the account.
func (s *Server) postIdentities(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	if add := r.PostForm.Get("add"); add != "" {
		err := s.Depart(w, r, a.Account, add)
		if errors.Is(err, storage.ErrNotFound) {
			return s.Site.RefuseWith(w, r, identitiesPath, http.StatusNotFound, ui.Words(r).Must("identity.gone"))
		}
		return err
	}
	err = s.People.UnlinkIdentity(r.Context(), s.Site.Asker(r), a.owner, r.PostForm.Get("provider"),
		r.PostForm.Get("subject"))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return s.Site.RefuseWith(w, r, identitiesPath, http.StatusNotFound, ui.Words(r).Must("identity.gone"))
	case errors.Is(err, people.ErrLastWayIn):
		return s.Site.RefuseWith(w, r, identitiesPath, http.StatusConflict, ui.Words(r).Must("identity.last"))
	case err != nil:
		return err
	}
	return changed(w, r, identitiesPath, "unlinked")
}
