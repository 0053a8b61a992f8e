package login

import (
	"errors"
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
)

// section is one matter of an account: a row of the account page, and a page of its own
// at /account/PATH.
type section struct {
	path  string
	group string // the heading that the row stands under
	title string
	// state says in a few words how the matter stands.
	state func(*overview) string
	// here says whether the request's tenant has the matter at all; nil for yes.
	here func(s *Server, r *http.Request) bool
}

// sections are all matters, in the order of the account page. A new one adds its row
// here and its pages to accountRoutes.
var sections = []section{
	{"profile", "account.group.you", "account.profile", (*overview).profile, nil},
	{"email", "account.group.you", "account.email", (*overview).email, nil},
	{"phone", "account.group.you", "account.phone", (*overview).phone, (*Server).hasPhones},
	{"password", "account.group.signin", "account.password", (*overview).password, func(_ *Server, r *http.Request) bool { return usesPasswords(r) }},
	{"passkeys", "account.group.signin", "account.passkeys", (*overview).passkeys, nil},
	{identitiesSection, "account.group.signin", "account.identities", (*overview).linked, nil},
	{"second-factor", "account.group.signin", "factors.title", (*overview).secondFactor, nil},
	{"sessions", "account.group.use", "account.sessions", (*overview).devices, nil},
	{"apps", "account.group.use", "account.apps", (*overview).connected, nil},
	{"activity", "account.group.use", "account.activity", (*overview).activity, nil},
	{"data", "account.group.data", "account.data", nil, nil},
	{"delete", "account.group.data", "account.delete", nil, nil},
}

// identitiesSection is shown where there are providers to come from, or were.
const identitiesSection = "identities"

// done are the texts for what was just changed, by the page's parameter of that name.
var done = map[string]string{
	"profile":         "account.done.profile",
	"email":           "account.done.email",
	"confirmed":       "account.done.confirmed",
	"phone":           "account.done.phone",
	"phone-removed":   "account.done.phone_removed",
	"password":        "account.done.password",
	"session":         "account.done.session",
	"sessions":        "account.done.sessions",
	"app":             "account.done.app",
	"passkey-added":   "passkeys.done.added",
	"passkey-named":   "passkeys.done.named",
	"passkey-removed": "passkeys.done.removed",
	"linked":          "account.done.linked",
	"unlinked":        "account.done.unlinked",
	"factor-off":      "factors.done_off",
	"factor-device":   "factors.done_device",
	"factor-devices":  "factors.done_devices",
}

// accountRoutes are the pages of the account area.
func (s *Server) accountRoutes() []route {
	return []route{
		{"/account", s.accountPage, nil},
		{"/account/profile", s.profilePage, s.postProfile},
		{"/account/email", s.emailPage, s.postEmail},
		{"/account/email/confirm", s.emailConfirmPage, s.postEmailConfirm},
		{"/account/phone", s.phonePage, s.postPhone},
		{"/account/phone/confirm", s.phoneConfirmPage, s.postPhoneConfirm},
		{"/account/password", s.passwordPage, s.postPassword},
		{"/account/passkeys", s.passkeysPage, s.postPasskeys},
		{"/account/passkeys/options", s.newPasskeyOptions, nil},
		{"/account/identities", s.identitiesPage, s.postIdentities},
		{"/account/second-factor", s.factorsPage, s.changeFactors},
		{"/account/second-factor/app", s.enrolPage, s.enrol},
		{"/account/sessions", s.sessionsPage, s.postSessions},
		{"/account/apps", s.appsPage, s.postApps},
		{"/account/activity", s.activityPage, nil},
		{"/account/data", s.dataPage, s.postData},
		{"/account/delete", s.deletePage, s.postDelete},
		{"/account/deleted", s.deletedPage, nil},
	}
}

// overview is what the account page needs to know to say how matters stand.
type overview struct {
	words    texts.Words
	user     storage.User
	creds    []storage.Credential
	sessions []storage.Session
	apps     int
	// identities are those that are linked.
	identities []storage.Identity
}

// accountRow is a section as the page shows it.
type accountRow struct{ Path, Title, State string }

// accountGroup is rows under one heading.
type accountGroup struct {
	Title string
	Rows  []accountRow
}

// accountHome is what the account page shows.
type accountHome struct {
	Account *accountView
	Groups  []accountGroup
	Several bool // accounts in this browser
	Admin   bool
	// Playground is where developers try a sign-in; "" where there is none.
	Playground string
}

// accountPage shows all matters of the account, and how they stand.
func (s *Server) accountPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.mine(r)
	if err != nil {
		return err
	}
	all, err := s.Sessions.All(r)
	if err != nil {
		return err
	}
	v := s.accountView(w, r, "home.title", a)
	o, err := s.lookOver(r, v.Words, a.User)
	if err != nil {
		return err
	}
	page := accountHome{Account: accountOf(a), Several: len(all) > 1, Admin: slices.Contains(a.User.Roles, "admin"), Playground: s.playground(r)}
	for _, sec := range sections {
		if sec.here != nil && !sec.here(s, r) || sec.path == identitiesSection && len(o.identities) == 0 && len(s.upstreamsOf(web.TenantOf(r.Context()))) == 0 {
			continue
		}
		row := accountRow{Path: "/account/" + sec.path, Title: v.Words.Must(sec.title)}
		if sec.state != nil {
			row.State = sec.state(o)
		}
		group := v.Words.Must(sec.group)
		if n := len(page.Groups); n == 0 || page.Groups[n-1].Title != group {
			page.Groups = append(page.Groups, accountGroup{Title: group})
		}
		last := &page.Groups[len(page.Groups)-1]
		last.Rows = append(last.Rows, row)
	}
	v.Page = page
	return s.show(w, http.StatusOK, "account", v)
}

func (s *Server) lookOver(r *http.Request, w texts.Words, u storage.User) (*overview, error) {
	o := &overview{words: w, user: u}
	var err error
	if o.creds, err = s.Store.CredentialsOf(r.Context(), u.TenantID, u.ID); err != nil {
		return nil, err
	}
	if o.identities, err = s.Store.IdentitiesOf(r.Context(), u.TenantID, u.ID); err != nil {
		return nil, err
	}
	if o.sessions, err = s.Service.Sessions(r.Context(), u); err != nil {
		return nil, err
	}
	apps, err := s.AppsIn(r.Context(), u, o.sessions)
	o.apps = len(apps)
	return o, err
}

// accountView is the view of a page about the account.
func (s *Server) accountView(w http.ResponseWriter, r *http.Request, title string, a browser.Account) *view {
	v := s.view(w, r, title, nil)
	v.Session = a.ID
	if text, ok := done[r.FormValue("done")]; ok {
		v.Done = v.Words.Must(text)
	}
	return v
}

// mine is the account that a page of the account area is about: the browser's current
// one. A form names the session that its page showed: the browser may have changed to
// another account since, and what was meant for one must not happen to the other.
func (s *Server) mine(r *http.Request) (browser.Account, error) {
	a, err := s.Sessions.Current(r)
	if errors.Is(err, storage.ErrNotFound) {
		return a, s.nobody(r)
	}
	if err == nil && r.Method == http.MethodPost && r.PostForm.Get("session") != a.ID {
		err = &web.Problem{Status: http.StatusConflict, Title: "account.other.title", Message: "account.other",
			Developer: "The hidden field \"session\" is not the browser's current session."}
	}
	return a, err
}

// nobody is why there is no current account: nobody is signed in, or the session that was
// the current one has been ended from elsewhere, and there are others to choose from.
func (s *Server) nobody(r *http.Request) error {
	all, err := s.Sessions.All(r)
	switch {
	case err != nil:
		return err
	case len(all) > 0:
		return &detour{To: web.TenantOf(r.Context()).Path + "/select"}
	}
	return proveFirst(r, "/login")
}

// changed is the end of a change: the page that says so.
func changed(w http.ResponseWriter, r *http.Request, page, done string) error {
	if done == "" {
		return seeOther(w, r, page)
	}
	return seeOther(w, r, page, "done", done)
}

func (s *Server) told(r *http.Request, u storage.User, text string, args ...any) ([]storage.Delivery, error) {
	return s.ChangeNotice(s.askerOf(r), u, text, args...)
}

func (s *Server) apply(r *http.Request, u storage.User, ch storage.Change) error {
	return s.Apply(r.Context(), u, ch)
}
