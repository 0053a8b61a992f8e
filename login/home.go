package login

import (
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// homeView is what the start page shows.
type homeView struct {
	Account *accountView // nil when nobody is signed in
	Several bool
	Admin   bool
	// Playground is where developers try a sign-in; "" where there is none.
	Playground string
}

// homePage says who is signed in.
func (s *Server) homePage(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Sessions.All(r)
	if err != nil {
		return err
	}
	v := s.view(w, r, "home.title", nil)
	page := homeView{Several: len(all) > 1}
	if len(all) > 0 {
		page.Account, page.Admin = accountOf(all[0]), slices.Contains(all[0].User.Roles, "admin")
	}
	if web.TenantOf(r.Context()).ID == storage.DefaultTenant {
		page.Playground = s.Playground
	}
	v.Page = page
	return s.show(w, http.StatusOK, "home", v)
}
