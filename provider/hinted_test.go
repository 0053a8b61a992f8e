package provider

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// kim adds a second user.
func (s *tokenServer) kim() storage.User {
	s.Helper()
	kim := s.user
	kim.ID, kim.Username, kim.UsernameKey, kim.Email, kim.EmailKey = newID(), "kim", "kim",
		"kim@example.com", "kim@example.com"
	if err := storagetest.AddUser(s.Context(), s.store, kim, nil, nil); err != nil {
		s.Fatal(err)
	}
	return kim
}

// about returns the ways in which a client says which user a request is about.
func (a *asker) about(u storage.User, sess storage.Session) map[string][]string {
	a.Helper()
	a.session = sess
	hint := a.tokens(a.client, func(c *tokens.Code) { c.UserID, c.SessionID = u.ID, sess.ID }).str("id_token")
	sub := `{"id_token":{"sub":{"value":"` + u.ID + `"}}}`
	return map[string][]string{
		"id_token_hint": {"id_token_hint", hint}, "claims": {"claims", sub}, "both": {"id_token_hint", hint, "claims", sub},
		"one of several": {"claims", `{"id_token":{"sub":{"values":["` + newID() + `","` + u.ID + `"]}}}`},
	}
}

// sub is whose ID token a code gives.
func (a *asker) sub(code string) any {
	a.Helper()
	reply := a.redeem(a.client, code)
	if reply.status != http.StatusOK {
		a.Fatalf("redeem: %s", reply.raw)
	}
	return payload(a, reply.str("id_token"))["sub"]
}

// current is who the browser is signed in as.
func (a *asker) current() string {
	a.Helper()
	r := request("GET", "/", "")
	a.bring(r)
	account, err := a.p.Sessions.Current(r.WithContext(web.WithTenant(r.Context(), a.tenant)))
	if err != nil {
		a.Fatal(err)
	}
	return account.UserID
}

// Of several accounts in a browser the one answers that the request is about, with and
// without a page, and the browser's current one stays what it is.
func TestTheAccountThatIsMeantAnswers(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	kim := a.kim()
	jos, kims := a.signsIn(a.user), a.signsIn(kim)
	for user, sess := range map[string]storage.Session{a.user.ID: jos, kim.ID: kims} {
		for name, more := range a.about(storage.User{ID: user}, sess) {
			for _, prompt := range []string{"", "none"} {
				page, params := a.asks(append(more, "prompt", prompt)...)
				if params.Get("code") == "" {
					t.Errorf("%s, prompt=%s: got page %q and %v, want a code", name, prompt, page, params)
					continue
				}
				if got := a.sub(params.Get("code")); got != user {
					t.Errorf("%s, prompt=%s: got a code of %v, want %s", name, prompt, got, user)
				}
			}
		}
		if a.current() != kim.ID {
			t.Error("the browser's current account is another one now")
		}
	}
}

// Who is meant and has to be asked something is asked, not the browser's current account.
func TestPagesAreAboutTheAccountThatIsMeant(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	kim := a.kim()
	jos := a.signsIn(a.user)
	for page, more := range map[string][]string{"/login": {"prompt", "login"}, "/consent": {"prompt", "consent"},
		"/select": {"prompt", "select_account"}} {
		for name, about := range a.about(a.user, jos) {
			a.signsIn(kim)
			got, params := a.asks(append(about, more...)...)
			if got != page || a.current() != a.user.ID {
				t.Errorf("%s, %s: got page %q and %v, want %s about Jo", name, page, got, params, page)
			}
		}
	}
}

// A user who is meant and is not signed in has to sign in. No other user will do, and the hint settles
// nothing that the user decides on the way.
func TestWhoIsMeantAndNotSignedIn(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	kim := a.kim()
	jos := a.signsIn(a.user)
	about := a.about(a.user, jos)
	for name, more := range about {
		b := &asker{&visitor{a.tokenServer, map[string]string{}}, a.client}
		if _, params := b.asks(append(more, "prompt", "none")...); params.Get("error") != "login_required" {
			t.Errorf("%s, no user signed in: got %v, want login_required", name, params)
		}
		b.signsIn(kim)
		if _, params := b.asks(append(more, "prompt", "none")...); params.Get("error") != "login_required" {
			t.Errorf("%s, another user signed in: got %v, want login_required", name, params)
		}
		page, params := b.asks(more...)
		if page != "/login" {
			t.Errorf("%s: got page %q and %v, want the one to sign in on", name, page, params)
		}
		letter := params.Get("i")
		b.signsIn(a.user)
		if _, params := b.goesTo(b.visit("/authorize?i=" + letter)); b.sub(params.Get("code")) != a.user.ID {
			t.Errorf("%s: got %v after signing in", name, params)
		}
		// Another account chosen on the way is an answer, too, though the one that is meant
		// is signed in.
		_, params = b.asks(append(more, "prompt", "select_account")...)
		letter = params.Get("i")
		b.signsIn(kim)
		if _, params := b.goesTo(b.visit("/authorize?i=" + letter)); params.Get("error") != "login_required" {
			t.Errorf("%s, and another was chosen: got %v, want login_required", name, params)
		}
	}
}

// What pages learn about the user that a request means: the ids, and the name if the client already
// knows it.
func TestPagesAreToldWhoIsMeant(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	jos := a.signsIn(a.user)
	told := func(more ...string) storage.Interaction {
		t.Helper()
		b := &asker{&visitor{a.tokenServer, map[string]string{}}, a.client}
		_, params := b.asks(more...)
		r := request("GET", "/login?i="+params.Get("i"), "")
		b.bring(r)
		in, err := a.p.Interaction(r.WithContext(web.WithTenant(r.Context(), a.tenant)))
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	bare := false
	a.client.IDTokenClaims = &bare
	a.put(a.client)
	about := a.about(a.user, jos)
	for name, more := range about {
		in := told(more...)
		if len(in.Subjects) == 0 || in.Subjects[len(in.Subjects)-1] != a.user.ID || in.LoginHint != "" {
			t.Errorf("%s: got %v, login hint %q", name, in.Subjects, in.LoginHint)
		}
	}
	if in := told(); in.Subjects != nil {
		t.Errorf("about no user: got %v", in.Subjects)
	}
	a.client.IDTokenClaims = nil
	a.put(a.client)
	withEmail := a.tokens(a.client, func(c *tokens.Code) {
		c.SessionID, c.Scopes = jos.ID, []string{"openid", "profile"}
	}).str("id_token")
	if in := told("id_token_hint", withEmail); in.LoginHint != "jo" {
		t.Errorf("a hint that holds the user name: got login hint %q", in.LoginHint)
	}
	if in := told("id_token_hint", withEmail, "login_hint", "mo"); in.LoginHint != "mo" {
		t.Errorf("the client's own login hint: got %q", in.LoginHint)
	}
	if in := told("id_token_hint", "x.y.z"); in.Subjects != nil || in.LoginHint != "" {
		t.Errorf("a hint that cannot be verified: got %v, %q", in.Subjects, in.LoginHint)
	}
}

// A hint that cannot be verified counts as none, but for requests that no page may answer.
func TestHintsThatCannotBeVerifiedCountAsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := startAsking(t)
		jos := a.signsIn(a.user)
		about := a.about(a.user, jos)["id_token_hint"]
		if _, err := a.rotate("RS256", true); err != nil {
			t.Fatal(err)
		}
		keys, err := a.store.Keys(t.Context(), a.tenant.ID, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			if err := a.store.RemoveKey(t.Context(), a.tenant.ID, key.ID); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
		for _, hint := range []string{about[1], "x.y.z", "x"} {
			if page, params := a.asks("id_token_hint", hint); params.Get("code") == "" {
				t.Errorf("%.20s: got page %q and %v, want a code", hint, page, params)
			}
			if _, params := a.asks("id_token_hint", hint, "prompt", "none"); params.Get("error") != "login_required" {
				t.Errorf("%.20s, prompt=none: got %v, want login_required", hint, params)
			}
			if page, params := a.asks("id_token_hint", hint, "prompt", "login"); page != "/login" {
				t.Errorf("%.20s, prompt=login: got page %q and %v", hint, page, params)
			}
		}
	})
}

// A client's hint is about its own tokens, and names one user with the claims parameter.
func TestHintsThatContradictTheRequest(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	jos := a.signsIn(a.user)
	hint := a.about(a.user, jos)["id_token_hint"][1]
	if _, params := a.asks("id_token_hint", hint, "claims",
		`{"id_token":{"sub":{"value":"`+newID()+`"}}}`); params.Get("error") != "invalid_request" {
		t.Errorf("two people: got %v", params)
	}
	other := a.tokenServer.client(func(c *storage.Client) { c.ClientID, c.FirstParty = "other", true })
	foreign := &asker{a.visitor, other}
	if _, params := foreign.asks("id_token_hint", hint); params.Get("error") != "invalid_request" {
		t.Errorf("another client's: got %v", params)
	}
}
