package provider

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/internal/reseal"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/memory"
)

// paired makes a client pairwise, with a host to which it returns.
func paired(id, host string) func(*storage.Client) {
	return func(c *storage.Client) {
		c.ClientID, c.SubjectType, c.RedirectURIs = id, storage.SubjectPairwise, []string{"https://" + host + "/cb"}
	}
}

// subjects are by what the tokens of an answer, and all that can be asked about these, know the user.
func (s *tokenServer) subjects(c *storage.Client, secret string, a reply) map[string]any {
	s.Helper()
	info := s.do(request("GET", "/userinfo", "", bearer(a.str("access_token"))))
	return map[string]any{
		"ID token": payload(s, a.str("id_token"))["sub"], "access token": s.access(a).Subject,
		"userinfo": info.body["sub"], "userinfo again": s.do(request("GET", "/userinfo", "",
			bearer(a.str("access_token")))).body["sub"],
		"introspection":                    s.inspect(c.ClientID, secret, a.str("access_token")).body["sub"],
		"introspection of a refresh token": s.inspect(c.ClientID, secret, a.str("refresh_token")).body["sub"],
	}
}

// A pairwise client knows a user by one identifier everywhere, and learns neither the id of the user nor that of the
// session. Others got the ID token and userinfo to differ, or found such tokens inactive.
func TestPairwiseSubjects(t *testing.T) {
	t.Parallel()
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startTokensOn(t, openDatabase(t, database(t)), memory.New())
			subject := func(id, host string, change ...func(*storage.Client)) string {
				t.Helper()
				c, secret := s.confidential(id, append([]func(*storage.Client){paired(id, host)}, change...)...)
				given := s.confidentialTokens(c, secret)
				sub, _ := payload(t, given.str("id_token"))["sub"].(string)
				refreshed := s.post(values("grant_type", "refresh_token", "refresh_token", given.str("refresh_token")),
					basic(id, secret))
				for when, a := range map[string]reply{"first": given, "refreshed": refreshed} {
					if when == "first" {
						a.body["refresh_token"] = refreshed.str("refresh_token") // its own is used up
					}
					for where, got := range s.subjects(c, secret, a) {
						if got != sub || sub == "" {
							t.Errorf("%s, %s, %s: got %v, want %s", id, when, where, got, sub)
						}
					}
					said := payload(t, a.str("id_token"))
					if sid := s.access(a).SID; sid == "" || sid != said["sid"] || sid == s.session.ID {
						t.Errorf("%s: got sid %q and %v, want one for the sector", id, sid, said["sid"])
					}
					info := s.do(request("GET", "/userinfo", "", bearer(a.str("access_token"))))
					all := info.raw + s.inspect(id, secret, a.str("access_token")).raw
					for _, v := range said {
						if text, ok := v.(string); ok {
							all += text + " "
						}
					}
					for _, known := range []string{s.user.ID, s.session.ID} {
						if strings.Contains(all, known) {
							t.Errorf("%s learns %s: %s", id, known, all)
						}
					}
					if said["name"] != "Jo Doe" {
						t.Errorf("%s: got the name %v; pairwise changes no other claim", id, said["name"])
					}
				}
				return sub
			}
			one, same := subject("one", "app.example.com"), subject("same", "app.example.com")
			other := subject("other", "other.example")
			opaque := subject("opaque", "app.example.com", func(c *storage.Client) { c.AccessTokenFormat = "opaque" })
			shared := subject("shared", "third.example", func(c *storage.Client) {
				c.SectorIdentifierURI = "https://app.example.com:8443/sector.json"
			})
			if one != same || one != opaque || one != shared || one == other || one == s.user.ID || len(one) > 255 {
				t.Errorf("got %q, %q, %q and %q in one sector, and %q in another", one, same, opaque, shared, other)
			}
			public := s.tokens(s.client(func(c *storage.Client) { c.SubjectType = storage.SubjectPublic }))
			if got := payload(t, public.str("id_token"))["sub"]; got != s.user.ID {
				t.Errorf("a public client: got %v, want the user's id", got)
			}
			for _, id := range []string{"", "other-tenant"} {
				service := &pairwise.Service{Store: s.store, Secrets: s.p.Secrets}
				want := map[string]string{"": s.user.ID, "other-tenant": ""}[id]
				tenant := map[string]string{"": s.tenant.ID, "other-tenant": id}[id]
				if got, err := service.IDOf(t.Context(), tenant, one); err != nil || got != want {
					t.Errorf("an administrator of tenant %q finds %q, %v; want %q", tenant, got, err, want)
				}
			}
		})
	}
}

// Public clients may be pairwise, too; their tokens are good for the APIs of this server, which know users by ids.
func TestPairwiseTokensAtOurAPIs(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client(paired("spa", "app.example.com"))
	a := s.tokens(c)
	b, err := s.p.Apps().Bearer(s.inTenant("Authorization", "Bearer "+a.str("access_token")))
	if err != nil || b.User.ID != s.user.ID || b.Subject == s.user.ID || b.Subject != s.access(a).Subject {
		t.Errorf("got %+v, %v; want Jo, by the id", b, err)
	}
	if resp := s.raw(request("POST", "/revoke", values("client_id", "spa", "token", a.str("access_token")).Encode(),
		formType)); resp.StatusCode != http.StatusOK || s.lives(a) {
		t.Errorf("revocation: got %d", resp.StatusCode)
	}
	all, err := s.store.Events(t.Context(), s.tenant.ID, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.UserID != "" && e.UserID != s.user.ID {
			t.Errorf("%s is about %q, want the user's id", e.Kind, e.UserID)
		}
	}
}

// Neither new master secrets nor new signing keys change by what clients know users.
func TestPairwiseSubjectsSurviveSecrets(t *testing.T) {
	t.Parallel()
	old, fresh := secret.Token(), secret.Token()
	masters := func(list string) *secret.Masters {
		m, err := secret.Parse(list)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	s := startTokens(t, func(c *Config) { c.Secrets = masters(old) })
	c := s.client(paired("spa", "app.example.com"))
	sub := func() any {
		t.Helper()
		return payload(t, s.tokens(c).str("id_token"))["sub"]
	}
	want := sub()
	for _, list := range []string{old + "," + fresh, fresh + "," + old} {
		config := s.p.Config
		config.Secrets = masters(list)
		s.serve(config)
		if got := sub(); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	run := &reseal.Run{Store: s.store.(storage.Sealed), Secrets: s.p.Secrets, RenewRecovery: factor.RenewRecovery}
	if _, err := run.All(t.Context()); err != nil {
		t.Fatal(err)
	}
	config := s.p.Config
	config.Secrets = masters(fresh)
	s.serve(config)
	if got := sub(); got != want {
		t.Errorf("with the new secret alone: got %v, want %v", got, want)
	}
	for _, alg := range []string{"RS256", "ES256"} {
		if _, err := s.rotate(alg, true); err != nil {
			t.Fatal(err)
		}
	}
	if got := sub(); got != want {
		t.Errorf("with other keys: got %v, want %v", got, want)
	}
	// A lost secret takes the key along: only an administrator who gives it up gets another one.
	lost := masters(secret.Token())
	config.Secrets = lost
	if n, err := reseal.ReplacePairwise(t.Context(), s.store.(storage.Sealed), masters(fresh)); n != 0 || err != nil {
		t.Errorf("a key that opens was replaced: %d, %v", n, err)
	}
	service := &pairwise.Service{Store: s.store, Secrets: lost}
	if _, err := service.Names(t.Context(), s.tenant.ID, "a"); err == nil {
		t.Error("a key that does not open was replaced without being asked")
	}
	if n, err := reseal.ReplacePairwise(t.Context(), s.store.(storage.Sealed), lost); n != 1 || err != nil {
		t.Errorf("replaced %d, %v", n, err)
	}
	if _, err := service.Names(t.Context(), s.tenant.ID, "a"); err != nil {
		t.Error(err)
	}
}

// Tokens that were given before a client became pairwise, or changed its sector, go on; new ones say what is true now.
func TestAClientChangesItsSector(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	seen := map[any]bool{}
	for _, change := range []func(){
		func() {}, func() { c.SubjectType = storage.SubjectPairwise },
		func() { c.SectorIdentifierURI = "https://sector.example/list" }, func() { c.SubjectType = "" },
	} {
		before := s.tokens(c)
		was := s.access(before).Subject
		change()
		s.put(c)
		info := s.do(request("GET", "/userinfo", "", bearer(before.str("access_token"))))
		if info.body["sub"] != was || info.status != http.StatusOK {
			t.Errorf("userinfo for an older token: got %d %v, want %s", info.status, info.body["sub"], was)
		}
		a := s.refresh(c, before.str("refresh_token"))
		if a.status != http.StatusOK {
			t.Fatalf("got %d %s", a.status, a.raw)
		}
		seen[payload(t, a.str("id_token"))["sub"]] = true
	}
	if len(seen) != 3 || !seen[s.user.ID] {
		t.Errorf("got %v, want the id and one identifier for each sector", seen)
	}
}

// A client names users by what it knows them by. With an id from elsewhere, or what another sector knows, it finds out
// about no user.
func TestAPairwiseClientNamesUsers(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	a.client.SubjectType = storage.SubjectPairwise
	a.put(a.client)
	kim := a.kim()
	jos, kims := a.signsIn(a.user), a.signsIn(kim)
	stranger := a.tokenServer.client(paired("stranger", "other.example"))
	hint := func(c *storage.Client, u storage.User, sess storage.Session) string {
		return a.tokens(c, func(k *tokens.Code) { k.UserID, k.SessionID = u.ID, sess.ID }).str("id_token")
	}
	claim := func(sub any) string { return `{"id_token":{"sub":{"value":"` + sub.(string) + `"}}}` }
	mine := payload(t, hint(a.client, a.user, jos))["sub"]
	for name, more := range map[string][]string{
		"id_token_hint": {"id_token_hint", hint(a.client, a.user, jos)}, "claims": {"claims", claim(mine)},
		"both":           {"id_token_hint", hint(a.client, a.user, jos), "claims", claim(mine)},
		"one of several": {"claims", `{"id_token":{"sub":{"values":["x","` + mine.(string) + `"]}}}`},
	} {
		_, params := a.asks(append(more, "prompt", "none")...)
		if params.Get("code") == "" {
			t.Errorf("%s: got %v, want a code", name, params)
			continue
		}
		if got := a.sub(params.Get("code")); got != mine {
			t.Errorf("%s: got a code of %v, want %v", name, got, mine)
		}
	}
	for name, more := range map[string][]string{
		"the id of the user":        {"claims", claim(a.user.ID)},
		"what another sector knows": {"claims", claim(payload(t, hint(stranger, a.user, jos))["sub"])},
		"another's hint":            {"id_token_hint", hint(stranger, a.user, jos)},
		"two users":                 {"id_token_hint", hint(a.client, kim, kims), "claims", claim(mine)},
	} {
		if _, params := a.asks(append(more, "prompt", "none")...); params.Get("code") != "" || params.Get("error") == "" {
			t.Errorf("%s: got %v, want an error", name, params)
		}
	}
}

// The client signs out the user of its ID token, at once.
func TestAPairwiseClientSignsOut(t *testing.T) {
	t.Parallel()
	v, c := startLogout(t)
	c.SubjectType = storage.SubjectPairwise
	v.put(c)
	given := v.tokens(c)
	c.SectorIdentifierURI = "https://sector.example/list" // the hint is older
	v.put(c)
	to, status := v.logout("id_token_hint", given.str("id_token"), "post_logout_redirect_uri", afterLogout, "state", "x")
	v.sent(afterLogout+"&state=x", to, status)
	if v.works(given.str("access_token")) {
		t.Error("the access token still works")
	}
}

// What pairwise clients cost: nothing is read for a user once the tenant's key is known.
func TestStatementsForPairwiseClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // no cache grows old meanwhile
		s := startTokens(t)
		c := s.client(paired("spa", "app.example.com"), func(c *storage.Client) { c.RedirectURIs = []string{testRedirect} })
		first := s.tokens(c)
		code := s.code(c)
		for name, step := range map[string]struct {
			do   func() reply
			want string
		}{
			"code":    {func() reply { return s.redeem(c, code) }, "INSERT"},
			"refresh": {func() reply { return s.refresh(c, first.str("refresh_token")) }, "UPDATE"},
			"userinfo": {func() reply {
				return s.do(request("GET", "/userinfo", "", bearer(first.str("access_token"))))
			}, "SELECT"},
		} {
			s.put(c) // the cache of clients is fresh
			if got := s.statements(http.StatusOK, step.do); got != step.want {
				t.Errorf("%s: got %q, want %q", name, got, step.want)
			}
		}
	})
}
