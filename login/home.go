package login

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// homeView is the start page without a session.
type homeView struct {
	// Playground is where developers try a sign-in; "" where there is none.
	Playground string
	// SignUp says whether the tenant lets users sign up.
	SignUp bool
}

// homePage leads to the account, or to where one can sign in.
func (s *Server) homePage(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Sessions.All(r)
	if err != nil {
		return err
	}
	if len(all) > 0 {
		http.Redirect(w, r, web.TenantOf(r.Context()).Path+"/account", http.StatusSeeOther)
		return nil
	}
	v := s.view(w, r, "home.title", nil)
	v.Page = homeView{s.site.PlaygroundOf(r), s.MaySignUp(s.askerOf(r), false) == nil}
	return s.show(w, http.StatusOK, "home", v)
}
