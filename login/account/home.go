package account

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// row is a section as the start page shows it.
type row struct{ Path, Title, State string }

// group is rows under one heading.
type group struct {
	Title string
	Rows  []row
}

// welcomeFor is how long the start page welcomes a user who has signed up.
const welcomeFor = 2 * time.Minute

// home is what the start page shows.
type home struct {
	Account *ui.Account
	Groups  []group
	Several bool // the browser is signed in to several accounts
	Admin   bool
	Console string // where administrators manage the tenant; "" where they can't
	New     bool   // the user has just signed up
	// Playground is where developers try a sign-in; "" where there is none.
	Playground string
}

// homePage shows all subjects of the account, and how they stand.
func (s *Server) homePage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	all, err := s.Site.Sessions.All(r)
	if err != nil {
		return err
	}
	v := s.view(w, r, "home.title", a)
	o, err := s.lookOver(r, v.Words, a.User)
	if err != nil {
		return err
	}
	page := home{Account: ui.AccountOf(a), Several: len(all) > 1, Admin: a.User.AdminRole != "",
		Playground: s.Site.PlaygroundOf(r)}
	if s.Site.Console != "" {
		page.Console = v.Path + s.Site.Console
	}
	for _, sec := range Sections {
		if sec.shown != nil && !sec.shown(o) {
			continue
		}
		one := row{Path: "/account/" + sec.Path, Title: v.Words.Must(sec.title)}
		if sec.state != nil {
			one.State = sec.state(o)
		}
		title := v.Words.Must(sec.group)
		if n := len(page.Groups); n == 0 || page.Groups[n-1].Title != title {
			page.Groups = append(page.Groups, group{Title: title})
		}
		last := &page.Groups[len(page.Groups)-1]
		last.Rows = append(last.Rows, one)
	}
	if v.Done == "" && storage.Within(a.User.CreatedAt, time.Now(), welcomeFor) {
		if page.New, err = s.People.SignedUp(r.Context(), a.User); err != nil {
			return err
		}
		if page.New {
			v.Done = v.Words.Must("account.done.welcome")
		}
	}
	v.Page = page
	return s.Site.Show(w, http.StatusOK, "account", v)
}

// lookOver returns how the subjects of the account stand.
func (s *Server) lookOver(r *http.Request, w texts.Words, u storage.User) (*overview, error) {
	o := &overview{
		words: w, asker: s.Site.Asker(r), user: u, texts: s.People.HasPhones(),
		upstreams: len(s.People.Upstreams(web.TenantOf(r.Context()))) > 0,
	}
	var err error
	o.Overview, err = s.People.Overview(r.Context(), u)
	return o, err
}
