package apps_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// start returns a server with an owner's browser.
func start(t *testing.T) (*consoletest.Server, *consoletest.Browser) {
	t.Helper()
	s := consoletest.Start(t)
	return s, s.Browser(s.User(storage.DefaultTenant, "owner", storage.RoleOwner), time.Time{})
}

// put stores an app.
func put(t *testing.T, s *consoletest.Server, a storage.Client) {
	t.Helper()
	a.TenantID, a.CreatedAt, a.UpdatedAt = storage.DefaultTenant, time.Now(), time.Now()
	if faults := clients.Validate(&a); len(faults) > 0 {
		t.Fatal(faults)
	}
	if err := s.Store.PutClient(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

// stored returns an app as it is stored.
func stored(t *testing.T, s *consoletest.Server, id string) storage.Client {
	t.Helper()
	a, err := s.Store.Client(t.Context(), storage.DefaultTenant, id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var shown = regexp.MustCompile(`<code id="shown">([^<]+)</code>`)

// TestAnAppIsMadeAndItsSecretIsShownOnce: from a kind, with a redirect URI that is wrong first; then a second secret,
// and the end of the first.
func TestAnAppIsMadeAndItsSecretIsShownOnce(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	b.Open("/admin/apps")
	b.Says("No apps yet.")
	b.Open("/admin/apps/new")
	b.Says("Single-page app", "Web app with a server", "App on a device", "Service", "Own app with its own screens")
	b.Open("/admin/apps/new?kind=web")
	if p := b.Follow(b.Send("/admin/apps/new", "client_name", "Wiki", "client_id", "wiki",
		"redirect_uris", "http://wiki.example/cb")); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("http: got %s", p)
	}
	b.Says("The address isn’t encrypted.")
	b.Follow(b.Send("/admin/apps/new", "client_name", "Wiki", "client_id", "wiki",
		"redirect_uris", "https://wiki.example/cb\r\nhttp://localhost:3000/cb"))
	b.Says("Wiki was added.", "It’s shown only now", "openid-client", "https://wiki.example/cb",
		`"wiki", "CLIENT_SECRET"`)
	first := shown.FindStringSubmatch(b.Last.Body)
	if first == nil {
		t.Fatal("no secret is shown")
	}
	a := stored(t, s, "wiki")
	if len(a.SecretHashes) != 1 || !clients.MatchSecret(a.SecretHashes[0], first[1]) {
		t.Errorf("the secret that was shown is not the app's")
	}
	b.Open("/admin/apps/app?id=wiki")
	b.SaysNot(first[1])

	b.Open("/admin/apps/secret?id=wiki")
	b.Says("The old secrets stay valid")
	b.Follow(b.Send("/admin/apps/secret"))
	second := shown.FindStringSubmatch(b.Last.Body)
	if second == nil || second[1] == first[1] || len(stored(t, s, "wiki").SecretHashes) != 2 {
		t.Fatal("there is no second secret")
	}
	old := clients.SecretID(a.SecretHashes[0])
	b.Open("/admin/apps/remove-secret?id=wiki&secret=" + old)
	b.Follow(b.Send("/admin/apps/remove-secret"))
	b.Says("The secret of Wiki was removed.")
	left := stored(t, s, "wiki").SecretHashes
	if len(left) != 1 || !clients.MatchSecret(left[0], second[1]) {
		t.Error("the wrong secret was removed")
	}
	b.Open("/admin/apps/remove-secret?id=wiki&secret=" + clients.SecretID(left[0]))
	b.Send("/admin/apps/remove-secret")
	b.Says("This is the only secret.")
}

// TestAnAppIsChanged: redirect URIs, who may use it, claims with a preview; disabled, enabled and removed.
func TestAnAppIsChanged(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	grace := s.User(storage.DefaultTenant, "grace", "")
	put(t, s, storage.Client{ClientID: "shop", ClientName: "Shop", TokenEndpointAuthMethod: "none", FirstParty: true,
		RedirectURIs: []string{"https://shop.example/cb"}})
	check := b.Get("/admin/apps/check?id=shop&value=" + url.QueryEscape("https://*.shop.example/"))
	if check.Status != http.StatusOK || !strings.Contains(check.Body, "Wildcards aren’t allowed") {
		t.Errorf("the check says %s", check.Body)
	}
	b.Open("/admin/apps/redirects?id=shop")
	stale := b.Fields("/admin/apps/redirects")
	b.Follow(b.Send("/admin/apps/redirects", "redirect_uris", "https://shop.example/cb\r\nhttps://shop.example/new"))
	b.Says("Saved.", "https://shop.example/new")
	stale.Set("redirect_uris", "https://other.example/cb")
	b.Follow(b.Post("/admin/apps/redirects", stale))
	b.Says("Another administrator has changed this")
	if got := stored(t, s, "shop").RedirectURIs; len(got) != 2 {
		t.Errorf("got %q", got)
	}

	b.Open("/admin/apps/access?id=shop")
	b.Follow(b.Send("/admin/apps/access", "groups", "Crew!"))
	b.Says("Enter the ID of a group")
	b.Follow(b.Send("/admin/apps/access", "groups", "crew"))
	if got := stored(t, s, "shop").Allow.Groups; len(got) != 1 || got[0] != "crew" {
		t.Errorf("got %q", got)
	}

	b.Open("/admin/apps/claims?id=shop")
	b.Follow(b.Send("/admin/apps/claim", "claim", "teams", "source", "groups"))
	b.Says("The app gets the claim teams.")
	if _, err := s.Accounts.AddGroup(t.Context(), s.Asker(storage.DefaultTenant), "crew", "Crew"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Accounts.Join(t.Context(), s.Asker(storage.DefaultTenant), grace.ID, "crew"); err != nil {
		t.Fatal(err)
	}
	b.Open("/admin/apps/claims?id=shop&user=grace@default.example")
	b.Says("Name of grace", `["crew"]`)
	b.Follow(b.Send("/admin/apps/remove-claim"))
	b.Says("no longer gets the claim teams.", "Undo")
	undo := b.Leading("/admin/apps/undo-claim")
	fields := b.Fields(undo)
	b.Follow(b.Post(undo, fields))
	b.Says("The app gets the claim teams.")
	if p := b.Post(undo, fields); p.Status != http.StatusConflict { // the claim is there: a second click changes nothing
		t.Errorf("undone once more: got %s", p)
	}
	if got := stored(t, s, "shop").Claims; len(got) != 1 || got[0].Claim != "teams" || got[0].From != "groups" {
		t.Errorf("undone: got %+v", got)
	}
	plain := url.QueryEscape(`{"App":"shop","Rule":{"claim":"x","from":"roles"}}`)
	forged := b.Post("/admin/apps/undo-claim?was="+plain, fields)
	if forged.Status != http.StatusNotFound {
		t.Errorf("what the server has not sealed: got %s", forged)
	}
	b.Open("/admin/apps/claims?id=shop")
	b.Follow(b.Send("/admin/apps/remove-claim"))

	b.Follow(b.Send("/admin/apps/claim", "claim", "teams", "source", "groups", "prefix", "cr", "strip_prefix", "1",
		"in.access_token", "1", "in.userinfo", "", "as", "list"))
	b.Follow(b.Send("/admin/apps/claim", "claim", "plan", "value", "gold"))
	b.Follow(b.Send("/admin/apps/claim", "claim", "level", "value", "3", "in.id_token", "", "in.userinfo", "",
		"in.introspection", "1"))
	b.Says("groups, those that begin with cr", `"gold"`)
	b.Follow(b.Send("/admin/apps/claim", "claim", "both", "value", "3", "source", "groups"))
	b.Follow(b.Send("/admin/apps/claim", "claim", "iss", "value", "https://evil.example"))
	want := []storage.ClaimRule{
		{Claim: "teams", From: "groups", Prefix: "cr", StripPrefix: true, As: "list",
			In: []string{"id_token", "access_token"}},
		{Claim: "plan", Value: json.RawMessage(`"gold"`)},
		{Claim: "level", Value: json.RawMessage("3"), In: []string{"introspection"}},
	}
	if got := stored(t, s, "shop").Claims; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	b.Open("/admin/apps/claims?id=shop&user=grace@default.example")
	b.Says(`["ew"]`)

	b.Open("/admin/apps/disable?id=shop")
	b.Follow(b.Send("/admin/apps/disable"))
	b.Says("Shop was disabled.", "Undo")
	b.Open("/admin/apps?disabled=1")
	b.Says("Shop")
	b.Open("/admin/apps/app?id=shop")
	b.Follow(b.Send("/admin/apps/enable"))
	b.Says("Shop was enabled.")
	b.Open("/admin/apps/remove?id=shop")
	b.Follow(b.Send("/admin/apps/remove", "confirm", "sho"))
	b.Says("Type shop to remove the app.")
	b.Follow(b.Send("/admin/apps/remove", "confirm", "shop"))
	b.Says("Shop was removed.")
	if _, err := s.Store.Client(t.Context(), storage.DefaultTenant, "shop"); err == nil {
		t.Error("the app is still there")
	}
}

// TestRefusalsAreExplained: the page of an app says why a user was refused there, and what to do.
func TestRefusalsAreExplained(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	put(t, s, storage.Client{ClientID: "shop", TokenEndpointAuthMethod: "none",
		RedirectURIs: []string{"https://shop.example/cb"}})
	grace := s.User(storage.DefaultTenant, "grace", "")
	err := s.Store.Record(t.Context(), s.Asker(storage.DefaultTenant).Event(storage.Event{Kind: storage.EventAccessRefused,
		UserID: grace.ID, ClientID: "shop", Detail: map[string]string{"reason": storage.RefusedGroup}}))
	if err != nil {
		t.Fatal(err)
	}
	b.Open("/admin/apps/app?id=shop")
	b.Says("A user may not use the app", "Name of grace", "The user is in none of the groups.")
}

// TestAnAppThatMayDoMoreIsOutOfReach: an administrator who is no owner changes no app that has a right of owners only.
func TestAnAppThatMayDoMoreIsOutOfReach(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	put(t, s, storage.Client{ClientID: "robot", GrantTypes: []string{"client_credentials"}, Scope: "keys:write",
		SecretHashes: []string{hash()}})
	b := s.Browser(s.User(storage.DefaultTenant, "admin", storage.RoleAdministrator), time.Time{})
	b.Open("/admin/apps/app?id=robot")
	b.SaysNot("Add a new secret", "Remove the app")
	form := url.Values{"form": {b.Hidden("form")}, "session": {b.Session}, "id": {"robot"}, "confirm": {"robot"},
		"claim": {"a"}, "source": {"groups"}}
	for _, page := range []string{"secret", "edit", "redirects", "access", "claim", "disable", "remove"} {
		if p := b.Post("/admin/apps/"+page, form); p.Status != http.StatusForbidden {
			t.Errorf("%s: got %s, want 403", page, p)
		}
	}
	if got := stored(t, s, "robot"); len(got.SecretHashes) != 1 || got.Disabled {
		t.Error("the app was changed")
	}
}

// hash returns the hash of a new secret.
func hash() string {
	_, h := clients.NewSecret()
	return h
}

// TestTextsOfStrangersAreText: names that are markup are shown as they are, in the samples, too.
func TestTextsOfStrangersAreText(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	const evil = `"><script>alert(1)</script>`
	put(t, s, storage.Client{ClientID: "shop", ClientName: evil, TokenEndpointAuthMethod: "none", Contacts: []string{evil},
		RedirectURIs: []string{"https://shop.example/cb?a='b'"}})
	for _, page := range []string{"", "/app?id=shop", "/edit?id=shop", "/redirects?id=shop", "/claims?id=shop",
		"/disable?id=shop",
		"/remove?id=shop", "?q=" + url.QueryEscape(evil), "/claims?id=shop&user=" + url.QueryEscape(evil)} {
		if p := b.Open("/admin/apps" + page); strings.Contains(p.Body, "<script>alert") {
			t.Errorf("%s has the markup of a stranger", page)
		}
	}
}

// TestAnAppIsToldOfSignOuts: an administrator enters where, sees what became of it, and has the app told again.
func TestAnAppIsToldOfSignOuts(t *testing.T) {
	t.Parallel()
	s, b := start(t)
	put(t, s, storage.Client{ClientID: "wiki", RedirectURIs: []string{"https://wiki.example/cb"},
		GrantTypes: []string{"authorization_code"}})
	b.Open("/admin/apps/redirects?id=wiki")
	told := func(uri string) consoletest.Page {
		return b.Follow(b.Send("/admin/apps/redirects", "redirect_uris", "https://wiki.example/cb",
			"backchannel_logout_uri", uri))
	}
	if p := told("http://wiki.example/out"); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("an address without TLS: got %d", p.Status)
	}
	b.Open("/admin/apps/redirects?id=wiki")
	if p := told("https://wiki.example/out"); p.Status != http.StatusOK {
		t.Fatalf("got %d: %s", p.Status, p.Text())
	}
	b.Says("https://wiki.example/out")
	user := s.User(storage.DefaultTenant, "reader", "")
	now := time.Now()
	sess := storage.Session{TenantID: storage.DefaultTenant, ID: "read", SecretHash: []byte("read"), UserID: user.ID,
		CredentialVersion: user.CredentialVersion, ExpiresAt: now.Add(time.Hour)}
	in := func(ch storage.Change) {
		t.Helper()
		ch.TenantID, ch.UserID, ch.Now = sess.TenantID, user.ID, now
		if err := s.Store.Apply(t.Context(), ch); err != nil {
			t.Fatal(err)
		}
	}
	in(storage.Change{AddSession: &sess})
	if _, err := s.Store.RedeemCode(t.Context(), storage.Grant{TenantID: sess.TenantID, ID: "g", CodeID: "g",
		UserID: user.ID, ClientID: "wiki", SessionID: sess.ID, CredentialVersion: user.CredentialVersion, CreatedAt: now,
		ExpiresAt: now.Add(time.Hour)}, nil); err != nil {
		t.Fatal(err)
	}
	in(storage.Change{EndSessions: &storage.SessionFilter{}})
	b.Open("/admin/apps/logouts?id=wiki")
	b.Says("Sign-outs", sess.ID, user.ID, "https://wiki.example/out")
	of := storage.ClientOf{TenantID: sess.TenantID, ClientID: "wiki"}
	l, err := s.Store.ClaimLogout(t.Context(), of, now, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	l.DoneAt, l.Dead, l.Status, l.Answer = now, true, 400, "no such session"
	if err := s.Store.NoteLogout(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	b.Open("/admin/apps/logouts?id=wiki&state=dead")
	b.Says("400 no such session")
	if p := b.Follow(b.Send("/admin/apps/logouts")); p.Status != http.StatusOK {
		t.Errorf("told again: got %d: %s", p.Status, p.Text())
	}
	all, err := s.Store.Logouts(t.Context(), of, storage.LogoutPlace{}, 10)
	if err != nil || len(all) != 1 || all[0].State() != storage.StateWaiting {
		t.Errorf("got %+v %v, want it waiting again", all, err)
	}
}
