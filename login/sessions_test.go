package login

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage"
)

const iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
	"Version/18.5 Mobile/15E148 Safari/604.1"

// TestDevicesAreSignedOut is for H11 and H14.
func TestDevicesAreSignedOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo, mo := s.user("default", "jo@example.com", "", right), s.user("default", "mo@example.com", "", right)
	phone := s.visitor()
	phone.client.Transport = agent{phone.client.Transport, iphone}
	phone.signIn("jo@example.com", right)
	lost := s.sessionsOf(jo)[0]
	tied, offline := s.grant(jo, "app", lost.ID, false), s.grant(jo, "app", lost.ID, true)
	third := s.signedIn("jo@example.com")
	stranger := s.signedIn("mo@example.com")
	v := s.signedIn("jo@example.com")
	kept := s.grant(jo, "app", s.sessionsOf(jo)[0].ID, false)

	p := v.at("/account/sessions")
	for _, want := range []string{"Safari on iPhone", "127.0.0.1", english["sessions.this"],
		english.Moment(lost.CreatedAt), `value="` + lost.ID + `"`} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(p.body, `name="end"`); n != 2 || strings.Contains(p.body, "mo@example.com") {
		t.Errorf("got %d to sign out, want 2", n)
	}
	theirs := s.sessionsOf(mo)[0].ID
	for _, id := range []string{theirs, "", "x", uuid.NewString(), "' OR 1=1 --", "*"} {
		if p := v.post("/account/sessions", "end", id, "user", mo.ID); p.status != http.StatusNotFound {
			t.Errorf("%q: got %d, want 404", id, p.status)
		}
	}
	if len(s.sessionsOf(mo)) != 1 || len(s.sessionsOf(jo)) != 3 {
		t.Fatal("a session was ended that was not meant")
	}
	stranger.at("/account")

	if p := v.post("/account/sessions", "end", lost.ID); p.location() != "/account/sessions?done=session" {
		t.Fatalf("got %d to %q", p.status, p.location())
	}
	if p := phone.get("/account"); p.leads() != toSignIn {
		t.Errorf("the lost phone: got %d", p.status)
	}
	if s.lives(tied) || s.lives(offline) || !s.lives(kept) {
		t.Errorf("apps of the phone: %v and offline %v; here: %v", s.lives(tied), s.lives(offline), s.lives(kept))
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "A device was signed out: Safari on iPhone.") ||
		!strings.Contains(m.Text, "127.0.0.1") || m.Link != s.url+"/account" {
		t.Errorf("got mail %q", m.Text)
	}
	if p := v.post("/account/sessions", "end", lost.ID); p.status != http.StatusNotFound {
		t.Errorf("twice: got %d", p.status)
	}

	if p := v.post("/account/sessions", "others", "1"); p.location() != "/account/sessions?done=sessions" {
		t.Fatalf("got %d to %q", p.status, p.location())
	}
	if p := third.get("/account"); p.leads() != toSignIn {
		t.Errorf("the third browser: got %d", p.status)
	}
	if p := v.at("/account/sessions?done=sessions"); strings.Contains(p.body, `name="others"`) ||
		!strings.Contains(p.body, english["account.done.sessions"]) {
		t.Error("there are still others")
	}
	if !s.lives(kept) || len(s.sessionsOf(mo)) != 1 {
		t.Error("too much was ended")
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, english["notice.sessions"]) {
		t.Errorf("got mail %q", m.Text)
	}
	if s.count("session.ended") != 1 || s.count("sessions.ended") != 1 {
		t.Errorf("got events %+v", s.events("default"))
	}
}

// TestOwnSessionIsEnded: nothing on the page offers it, and yet it is the user's to end.
func TestOwnSessionIsEnded(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	v.at("/account/sessions")
	v.about = s.sessionsOf(jo)[0].ID
	v.post("/account/sessions", "end", v.about)
	if p := v.get("/account"); p.leads() != toSignIn || len(s.sessionsOf(jo)) != 0 {
		t.Errorf("got %d", p.status)
	}
}

// TestAppsAreDisconnected: an app loses everything at once, whether or not it needed a
// consent; and no other user's app loses anything (H14).
func TestAppsAreDisconnected(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo, mo := s.user("default", "jo@example.com", "", right), s.user("default", "mo@example.com", "", right)
	for _, c := range []storage.Client{{ClientID: "own", ClientName: "Timesheets", FirstParty: true},
		{ClientID: "evil", ClientName: "<b>Evil</b>"}, {ClientID: "never"}} {
		c.TenantID = "default"
		if err := s.store.PutClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	v := s.signedIn("jo@example.com")
	if p := v.at("/account/apps"); !strings.Contains(p.body, english["apps.empty"]) {
		t.Error("there are apps before there are any")
	}
	s.allow(jo, "app", "openid", "email", "offline_access")
	s.allow(jo, "evil", "openid", "calendar.<script>")
	s.allow(mo, "app", "openid")
	app, own, theirs := s.grant(jo, "app", "", true), s.grant(jo, "own", s.sessionsOf(jo)[0].ID, false),
		s.grant(mo, "app", "", true)
	other := s.signedIn("jo@example.com")
	old := s.grant(jo, "never", s.sessionsOf(jo)[0].ID, false)
	other.get("/signout")
	other.post("/signout")

	p := v.at("/account/apps")
	for _, want := range []string{"Timesheets", "&lt;b&gt;Evil", english["scope.email"], english["scope.offline_access"],
		"calendar.&lt;script&gt;", "Since " + english.Date(time.Now())} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(p.body, `value="never"`) || s.lives(old) {
		t.Error("an app that has nothing any more is among them")
	}
	if p := v.at("/account"); !strings.Contains(p.body, "3 apps") {
		t.Error("the account page does not say how many")
	}
	for _, id := range []string{"", "never", "x", "<b>", "own' --"} {
		if p := v.post("/account/apps", "client", id); p.status != http.StatusNotFound {
			t.Errorf("%q: got %d, want 404", id, p.status)
		}
	}
	for client, g := range map[string]storage.Grant{"app": app, "own": own} {
		if p := v.post("/account/apps", "client", client, "user", mo.ID); p.location() != "/account/apps?done=app" {
			t.Errorf("%s: got %d", client, p.status)
		}
		if s.lives(g) {
			t.Errorf("the grant of %s lives on", client)
		}
		if p := v.post("/account/apps", "client", client); p.status != http.StatusNotFound {
			t.Errorf("%s twice: got %d", client, p.status)
		}
	}
	if all, err := s.store.ConsentsOf(t.Context(), "default", jo.ID); err != nil || len(all) != 1 {
		t.Errorf("got consents %+v, %v", all, err)
	}
	if !s.lives(theirs) {
		t.Error("another person's grant was revoked")
	}
	if m := s.mails.Next(t, "jo@example.com"); !strings.Contains(m.Text, "no longer has access") {
		t.Errorf("got mail %q", m.Text)
	}
	if s.count("consent.withdrawn") != 2 {
		t.Errorf("got events %+v", s.events("default"))
	}
}

// TestActivityIsOnesOwn: newest first, page by page, and no other user's (H14).
func TestActivityIsOnesOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	jo, mo := s.user("default", "jo@example.com", "", right), s.user("default", "mo@example.com", "", right)
	event := func(u storage.User, kind, client string) {
		err := s.store.Record(t.Context(),
			storage.Event{TenantID: "default", ID: uuid.Must(uuid.NewV7()).String(), At: time.Now(), Kind: kind, UserID: u.ID,
				ClientID: client, IP: "192.0.2.7"})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 25 {
		event(jo, "consent.given", "app")
	}
	event(mo, "consent.denied", "app")
	event(jo, "something.unheard-of", "removed<b>")
	v := s.signedIn("jo@example.com")
	s.visitor().signIn("jo@example.com", "wrong horse")
	p := v.at("/account/activity")
	if n := strings.Count(p.body, "<time "); n != 25 {
		t.Errorf("got %d events, want %d", n, 25)
	}
	for _, want := range []string{english["activity.login.failed"], english["activity.login.succeeded"],
		english["activity.other"], "removed&lt;b&gt;", "192.0.2.7", english["activity.not_you"]} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	_, rest, found := strings.Cut(p.body, `href="/account/activity?before=`)
	if !found {
		t.Fatal("there is no way on")
	}
	before, _, _ := strings.Cut(rest, `"`)
	older := v.at("/account/activity?before=" + before)
	if n := strings.Count(older.body, "<time "); n != 3 ||
		strings.Contains(older.body, `href="/account/activity?before=`) ||
		!strings.Contains(older.body, english["activity.newest"]) {
		t.Errorf("got %d older events, want 3", n)
	}
	if strings.Contains(p.body+older.body, english["activity.consent.denied"]) {
		t.Error("another person's activity is shown")
	}
	for _, odd := range []string{"x", "' OR 1=1 --", "\x00", strings.Repeat("f", 5000)} {
		if p := v.get("/account/activity?before=" + url.QueryEscape(odd)); p.status != http.StatusOK ||
			strings.Contains(p.body, english["activity.consent.denied"]) {
			t.Errorf("%.20q: got %d", odd, p.status)
		}
	}
}

// TestIdleSessionsAreNotHidden: the browser is out, but what an app was given there is not.
func TestIdleSessionsAreNotHidden(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.Sessions.Idle = 2 * time.Second })
	jo := s.user("default", "jo@example.com", "", right)
	old := s.signedIn("jo@example.com")
	g := s.grant(jo, "app", s.sessionsOf(jo)[0].ID, false)
	time.Sleep(2100 * time.Millisecond)
	if p := old.get("/account"); p.leads() != toSignIn {
		t.Fatalf("the idle browser: got %d", p.status)
	}
	v := s.signedIn("jo@example.com")
	if p := v.at("/account/apps"); !strings.Contains(p.body, `value="app"`) {
		t.Error("the app is hidden")
	}
	v.at("/account/sessions")
	v.post("/account/sessions", "others", "1")
	if s.lives(g) {
		t.Error("the app's grant lives on")
	}
}
