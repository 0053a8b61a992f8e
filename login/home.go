package login

import (
	"net/http"
	"slices"
)

// homeView is what the start page shows.
type homeView struct {
	Account *accountView // nil when nobody is signed in
	Several bool
	Admin   bool
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
	v.Page = page
	return s.show(w, http.StatusOK, "home", v)
}
