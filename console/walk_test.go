package console_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestANewcomerRunsTheServerInTheConsole goes from the set-up link of a fresh server to a second administrator, an app
// with two roles, a group that a token names, a person who may not use the app and is told why, a webhook that arrived,
// and the reason of a failed sign-in: in the console alone, with scripts and without. Support and an auditor then see
// what they may, and nothing else.
func TestANewcomerRunsTheServerInTheConsole(t *testing.T) {
	t.Parallel()
	browser := chromiumtest.New(t)
	for _, scripts := range []bool{true, false} {
		j := newJourney(t, browser, scripts)
		j.begin()
		j.inviteColleague()
		j.addApp()
		j.addGroup()
		j.readToken()
		j.refusePerson()
		j.addWebhook()
		j.findFailure()
		if scripts {
			j.inspect()
		}
		j.look(storage.RoleSupport)
		j.look(storage.RoleAuditor)
	}
}

// journey is what a walk has come to.
type journey struct {
	t       *testing.T
	s       *consoletest.Server
	browser context.Context
	scripts bool
	// me is the first administrator, and colleague the second.
	me, colleague *consoletest.Walker
	// program is the app and the receiver of the webhook.
	program *httptest.Server
	got     chan string // the kinds of events that arrived
	secret  string      // of the app
}

const (
	colleagueEmail = "colleague@example.com"
	visitorEmail   = "visitor@example.com"
	passphrase     = "marble tugboat opinion lantern"
)

func newJourney(t *testing.T, browser context.Context, scripts bool) *journey {
	t.Helper()
	j := &journey{t: t, s: consoletest.Start(t), browser: browser, scripts: scripts, got: make(chan string, 100)}
	j.program = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			fmt.Fprint(w, "<!doctype html><title>The shop</title><p>You are back at the shop")
			return
		}
		var event struct{ Type string }
		body, err := io.ReadAll(r.Body)
		if err == nil && json.Unmarshal(body, &event) == nil && r.Header.Get("webhook-signature") != "" {
			j.got <- event.Type
		}
	}))
	t.Cleanup(j.program.Close)
	j.me = j.walker("the first administrator")
	return j
}

// walker returns a browser of its own.
func (j *journey) walker(name string) *consoletest.Walker {
	if !j.scripts {
		name += " without scripts"
	}
	return j.s.Walker(j.browser, name, j.scripts)
}

// shot takes a picture, if the environment says where to.
func (j *journey) shot(w *consoletest.Walker, name string) {
	if dir := os.Getenv("WALK_SCREENSHOTS"); dir != "" && j.scripts {
		w.Screenshot(filepath.Join(dir, name+".png"))
	}
}

// begin opens the set-up link, which leads to the console with the next steps.
func (j *journey) begin() {
	j.me.Open(j.s.SetupLink())
	j.me.Type("Email", "me@example.com")
	j.me.Type("Password", passphrase)
	j.me.Click("Create account")
	j.me.Says("Overview", "3 steps remain", "Add an app", "Invite people", "Set up email")
	j.shot(j.me, "begin")
}

// accept makes an account by the link of an invitation.
func (j *journey) accept(name, link string) *consoletest.Walker {
	w := j.walker(name)
	w.Open(link)
	w.Type("Password", passphrase)
	w.Click("Create account")
	return w
}

// inviteColleague makes a second administrator.
func (j *journey) inviteColleague() {
	j.me.Click("Invite people")
	j.me.Type("Email", colleagueEmail)
	j.shot(j.me, "invite")
	j.me.Click("Invite")
	j.shot(j.me, "invited")
	j.colleague = j.accept("the colleague", j.me.Shown())
	j.me.Click("People")
	j.me.Click(colleagueEmail)
	j.me.Click("Make an administrator")
	j.me.Choose("Role", "Owner")
	j.me.Click("Add an administrator")
	j.me.Says(colleagueEmail)
	j.colleague.Open("/admin")
	j.colleague.Says("Overview", "2 steps remain")
}

// addApp makes an app with two roles, as the overview says.
func (j *journey) addApp() {
	j.me.Click("Overview")
	j.me.SaysNot("Invite people")
	j.me.Click("Add an app")
	j.me.Click("Web app with a server")
	j.me.Type("Name", "Shop")
	j.me.Type("Client ID", "shop")
	j.me.Type("Redirect URIs", j.program.URL+"/callback")
	j.me.Tick("This is our own app: users aren’t asked for consent")
	j.me.Click("Add an app")
	if j.secret = j.me.Shown(); j.secret == "" {
		j.t.Fatal("no secret is shown")
	}
	j.shot(j.me, "app")
	for _, role := range []string{"editor", "reader"} {
		j.me.Click("Manage roles")
		j.me.Type("Role", role)
		j.me.Click("Add a role")
		j.me.Says("The role " + role)
		j.me.Click("Roles")
		j.me.Click("Shop")
	}
	j.me.Says("editor", "reader")
	j.me.Click("Overview")
	j.me.SaysNot("Add an app")
	j.me.Says("1 step remains", "Set up email")
}

// addGroup makes a group of the colleague, gives it a role, lets it alone use the app, and has the app learn of it.
func (j *journey) addGroup() {
	j.me.Click("Groups")
	j.me.Click("Add a group")
	j.me.Type("ID", "crew")
	j.me.Click("Add a group")
	j.me.Type("Email, username or ID", colleagueEmail)
	j.me.Click("Add to the group")
	j.me.Says(colleagueEmail)
	j.shot(j.me, "group")
	j.me.Click("Apps")
	j.me.Click("Shop")
	j.me.Click("editor")
	j.me.Type("Which one", "crew")
	j.me.Click("Give the role")
	j.shot(j.me, "role")
	j.me.Click("Roles")
	j.me.Click("Shop")
	j.me.Click("Change", "Who may use it")
	j.me.Unfold("Existing groups")
	j.me.Says("crew")
	j.me.Type("Groups", "crew")
	j.me.Click("Save")
	j.me.Says("crew")
	j.me.Click("Claims and preview")
	for _, claim := range []string{"groups", "roles"} {
		j.me.Type("Claim", claim)
		j.me.Type("Where it comes from", claim)
		j.me.Click("Add the claim")
	}
	j.me.Type("Email, username or ID of a user", colleagueEmail)
	j.me.Click("Show")
	j.me.Says(`["crew"]`, `["editor"]`)
	j.shot(j.me, "claims")
}

// authorize returns the address at which the app sends a user to sign in.
func (j *journey) authorize() string {
	return "/authorize?" + url.Values{"client_id": {"shop"}, "response_type": {"code"}, "scope": {"openid"},
		"redirect_uri": {j.program.URL + "/callback"}, "state": {"s"}, "nonce": {"n"}}.Encode()
}

// readToken signs the colleague in to the app, whose token names the group and the role.
func (j *journey) readToken() {
	j.colleague.Open(j.authorize())
	j.colleague.Says("You are back at the shop")
	at, err := url.Parse(j.colleague.At())
	if err != nil {
		j.t.Fatal(err)
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {at.Query().Get("code")},
		"redirect_uri": {j.program.URL + "/callback"}}
	req, err := http.NewRequest(http.MethodPost, j.s.Issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		j.t.Fatal(err)
	}
	req.SetBasicAuth("shop", j.secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		j.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		IDToken string `json:"id_token"`
		Error   string `json:"error_description"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || strings.Count(answer.IDToken, ".") != 2 {
		j.t.Fatalf("no ID token: %v %s", err, answer.Error)
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(answer.IDToken, ".")[1])
	if err != nil || !strings.Contains(string(claims), `"groups":["crew"]`) ||
		!strings.Contains(string(claims), `"roles":["editor"]`) {
		j.t.Errorf("the ID token says %s, %v", claims, err)
	}
}

// refusePerson has a person, who is in no group, be told why the app is closed, and the console say what to change.
func (j *journey) refusePerson() {
	j.me.Click("People")
	j.me.Click("Invite")
	j.me.Type("Email", visitorEmail)
	j.me.Click("Invite")
	visitor := j.accept("the visitor", j.me.Shown())
	visitor.Open(j.authorize())
	visitor.Says("Shop")
	j.shot(visitor, "refused")
	j.me.Click("Log")
	j.me.Click("Refusals")
	j.me.Says(visitorEmail+" may not use Shop", "The person is in none of the groups that may use the app.")
	j.shot(j.me, "log-refused")
	j.me.Click("Apps")
	j.me.Click("Shop")
	j.me.Says("The user is in none of the groups.")
	j.me.Click(visitorEmail)
	j.me.Says("Why can’t they sign in?", "Shop")
	j.shot(j.me, "person")
}

// addWebhook adds a webhook, to which a test and a true event come; the console shows what it answered.
func (j *journey) addWebhook() {
	j.me.Click("Settings")
	j.me.Click("Webhooks")
	j.me.Click("Add a webhook")
	j.me.Type("Address", j.program.URL)
	j.me.Click("Add a webhook")
	if !strings.HasPrefix(j.me.Shown(), "whsec_") {
		j.t.Error("no secret is shown")
	}
	j.me.Click("Send a test event")
	j.me.Says("The webhook took a test event")
	hook := j.me.At()
	j.me.Click("Groups")
	j.me.Click("crew")
	j.me.Click("Rename")
	j.me.Type("Name", "The crew")
	j.me.Click("Save")
	for kind := ""; kind != storage.EventGroupChanged; {
		select {
		case kind = <-j.got:
		case <-time.After(time.Minute):
			j.t.Fatal("the event doesn't come")
		}
	}
	j.me.Open(hook)
	j.me.Click("Delivered")
	j.me.Awaits("group.changed")
	j.shot(j.me, "webhook")
}

// findFailure finds the reason of a failed sign-in in the log, and on the person's page.
func (j *journey) findFailure() {
	stranger := j.walker("a stranger")
	stranger.Open("/login")
	stranger.Type("Email or username", visitorEmail)
	stranger.Click("Continue")
	stranger.Type("Password", "not the password")
	stranger.Click("Sign in")
	j.me.Click("Log")
	j.me.Click("Refusals")
	j.me.Says("The password was wrong.")
	j.me.Click(visitorEmail)
	j.shot(j.me, "log-person")
	j.me.Click("Open this person")
	j.me.Says("Why can’t they sign in?", "wrong password")
}

// inspected are pages that no other test of the console looks at in a browser.
var inspected = []string{
	"", "/sign-in", "/sign-in/rules", "/sign-in/branding", "/sign-in/mails", "/sign-in/upstreams", "/log",
	"/log?kind=login.failed", "/settings", "/settings/keys", "/settings/mail", "/settings/webhooks",
	"/settings/webhooks/add",
	"/settings/api-keys", "/settings/administrators", "/settings/administrators/add", "/settings/about",
}

// mirrored are pages that others look at, but not from right to left.
var mirrored = []string{
	"/people", "/people/invite", "/groups", "/groups/group?id=crew", "/apps", "/apps/app?id=shop", "/apps/claims?id=shop",
	"/apis",
}

// inspect looks for barriers and for what is cut off: on a desktop, on a phone in the dark and in the longest language,
// and from right to left.
func (j *journey) inspect() {
	w := j.me
	fits := func(page string) {
		if got := w.Overflow(); got != "" {
			j.t.Errorf("%s is wider than the window: %s", page, got)
		}
	}
	for _, phone := range []bool{false, true} {
		w.Screen(phone)
		pages := inspected
		if phone {
			pages = append(slices.Clone(inspected), mirrored...)
		}
		for _, page := range pages {
			w.Open("/admin" + page)
			name := fmt.Sprintf("/admin%s, phone %v", page, phone)
			shot := fmt.Sprintf("look-%v%s", phone, strings.NewReplacer("/", "-", "?", "-").Replace(page))
			j.shot(w, shot)
			if !phone { // it looks at both colour schemes
				chromiumtest.Accessible(j.t, w.Ctx, name)
			}
			fits(name)
			w.Mirror()
			fits(name + " from right to left")
			j.shot(w, shot+"-rtl")
		}
	}
	w.Screen(false)
}

// seen are what pages offer that an administrator of a role may see, and hidden what must not be there, by page.
var seen, hidden = map[string]map[string]string{
	storage.RoleSupport: {
		"/admin/people": "Invite", "/admin/groups": "The crew", "/admin/log": "Refusals", "/admin/settings": "Messages",
	},
	storage.RoleAuditor: {
		"/admin/people": "Export", "/admin/groups": "The crew", "/admin/apps": "Shop", "/admin/sign-in": "Texts of messages",
		"/admin/log": "Refusals", "/admin/settings": "Webhooks",
	},
}, map[string]map[string][]string{
	storage.RoleSupport: {
		"/admin": {"Apps", "APIs", "Sign-in", "Add an app", "Set up email"}, "/admin/groups": {"Add a group"},
		"/admin/groups/group?id=crew": {"Rename", "Remove the group", "Add to the group", "Remove from group"},
		"/admin/settings":             {"Webhooks", "Signing keys", "Administrators"},
	},
	storage.RoleAuditor: {
		"/admin": {"Add an app", "Invite people", "Set up email"}, "/admin/people": {"Invite", "Add", "Import"},
		"/admin/apps":                    {"Add an app"},
		"/admin/apps/app?id=shop":        {"Edit", "Change", "Add a new secret", "Disable", "Remove the app"},
		"/admin/groups/group?id=crew":    {"Rename", "Remove the group", "Add to the group", "Remove from group"},
		"/admin/settings/webhooks":       {"Add a webhook"},
		"/admin/settings/administrators": {"Add an administrator", "Change"},
	},
}

// look has an administrator of the role look at the console: there is what the role may do and nothing else, no page
// leads to one that refuses, and forms that the role has no page for are refused.
func (j *journey) look(role string) {
	t := j.t
	u := j.s.User(storage.DefaultTenant, role, role)
	b, w := j.s.Browser(u, time.Time{}), j.walker("the "+role)
	b.In(w.Ctx)
	for page, text := range seen[role] {
		w.Open(page)
		w.Says(text)
		j.shot(w, role+strings.ReplaceAll(page, "/", "-"))
	}
	for page, texts := range hidden[role] {
		w.Open(page)
		for _, text := range texts {
			if w.Offers(text) {
				t.Errorf("%s offers the %s %q", page, role, text)
			}
		}
	}
	scopes := administration.ScopesOf(storage.DefaultTenant, role)
	table, pages := http.NewServeMux(), map[string]console.Page{}
	for _, part := range parts {
		for _, page := range part.Pages {
			pattern := page.Method + " " + console.Prefix + page.Path
			pages[pattern] = page
			table.Handle(pattern, http.NotFoundHandler())
		}
	}
	may := func(action string) bool {
		at, err := url.Parse(action)
		if err != nil {
			t.Fatal(err)
		}
		_, pattern := table.Handler(&http.Request{Method: http.MethodPost, URL: at, Host: at.Host})
		return !slices.ContainsFunc(pages[pattern].Scopes, func(s string) bool { return !slices.Contains(scopes, s) })
	}
	left, known := []string{"/admin"}, map[string]bool{"/admin": true}
	for len(left) > 0 {
		at := left[0]
		left = left[1:]
		if p := b.Get(at); p.Status != http.StatusOK && p.Leads() == "" {
			t.Errorf("a page of the %s leads to %s, which answers %d", role, at, p.Status)
			continue
		}
		for _, m := range postForm.FindAllStringSubmatch(b.Last.Body, -1) {
			if action := html.UnescapeString(m[1]); !may(action) {
				t.Errorf("%s offers the %s a form for %s", at, role, action)
			}
		}
		for _, link := range b.Links() {
			to, err := url.Parse(link)
			if err != nil || !strings.HasPrefix(to.Path, console.Prefix) {
				continue
			}
			// Filters of lists lead to each other in very many ways: one value of each is enough.
			key := to.Path + " " + strings.Join(slices.Sorted(maps.Keys(to.Query())), " ")
			if to.Query().Has("id") {
				key = link
			}
			if !known[key] {
				known[key] = true
				left = append(left, link)
			}
		}
	}
	if len(known) < 15 {
		t.Errorf("the pages of the %s lead to %d pages only", role, len(known))
	}
	b.Open("/admin")
	forged := url.Values{"form": {b.Hidden("form")}, "session": {b.Session}, "id": {"crew"}, "title": {"Forged"}}
	if p := b.Post("/admin/groups/edit", forged); p.Status != http.StatusForbidden {
		t.Errorf("a form that the %s has no page for: got %d", role, p.Status)
	}
}

var postForm = regexp.MustCompile(`<form[^>]*method="post"[^>]*action="([^"]*)"`)
