package provider

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// E1: a rotated token that comes back after the grace window ends the grant.
func TestReuseOfARotatedToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		c := s.client()
		first := s.tokens(c)
		second := s.refresh(c, first.str("refresh_token"))
		if second.status != http.StatusOK || second.str("refresh_token") == first.str("refresh_token") {
			t.Fatalf("got %d %s, want new tokens", second.status, second.raw)
		}
		time.Sleep(s.p.RefreshTokenGrace + time.Millisecond)
		s.fails(s.refresh(c, first.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
		if s.lives(second) {
			t.Error("the access token lives after reuse")
		}
		s.fails(s.refresh(c, second.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
		s.fails(s.refresh(c, first.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
		if n := s.events("refresh.reused"); n != 1 {
			t.Errorf("%d events, want one", n)
		}
	})
}

// E1: one older than the predecessor is reuse at once.
func TestReuseOfAnOlderToken(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	first := s.tokens(c)
	second := s.refresh(c, first.str("refresh_token"))
	third := s.refresh(c, second.str("refresh_token"))
	s.fails(s.refresh(c, first.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
	s.fails(s.refresh(c, third.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
}

// E10: a token that the database has forgotten, as after a restore, ends its grant.
func TestTokenAheadOfItsGrant(t *testing.T) {
	t.Parallel()
	onEveryDatabase(t, func(t *testing.T, s *tokenServer) {
		c := s.client()
		thief := s.client(func(c *storage.Client) { c.ClientID = "thief" })
		spent := s.tokens(c).str("refresh_token")
		opened, err := s.p.tokens.OpenRefreshToken(s.tenant.ID, spent)
		if err != nil {
			t.Fatal(err)
		}
		// The database knows the first generation, and the client has the third.
		newest := s.p.tokens.RefreshToken(s.tenant.ID, tokens.RefreshToken{GrantID: opened.GrantID, Generation: 3})
		s.fails(s.refresh(thief, newest), http.StatusBadRequest, "invalid_grant")
		if n := s.events("refresh.ahead"); n != 0 {
			t.Errorf("%d events, want none for another client's try", n)
		}
		s.fails(s.refresh(c, newest), http.StatusBadRequest, "invalid_grant")
		if n := s.events("refresh.ahead"); n != 1 {
			t.Errorf("%d events, want one", n)
		}
		s.fails(s.refresh(c, spent), http.StatusBadRequest, "invalid_grant")
	})
}

// E2, P8: of many at once, at two replicas, each gets the same successor; there is one
// living branch.
func TestRefreshInParallel(t *testing.T) {
	t.Parallel()
	onEveryDatabase(t, func(t *testing.T, s *tokenServer) {
		c, replicas := s.client(), []*tokenServer{s, s.replica()}
		token := s.tokens(c).str("refresh_token")
		successor := ""
		for _, a := range inParallel(50, func(i int) reply { return replicas[i%2].refresh(c, token) }) {
			if a.status != http.StatusOK {
				t.Fatalf("got %d %s, want tokens", a.status, a.raw)
			}
			if successor == "" {
				successor = a.str("refresh_token")
			}
			if got := a.str("refresh_token"); got != successor || got == token {
				t.Fatalf("got %s and %s, want one successor", got, successor)
			}
		}
		if a := s.refresh(c, successor); a.status != http.StatusOK {
			t.Errorf("the successor: got %d %s, want tokens", a.status, a.raw)
		}
		s.fails(s.refresh(c, token), http.StatusBadRequest, "invalid_grant")
	})
}

// E3: a lost answer does no harm within the grace window.
func TestRefreshIsIdempotentForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		c := s.client()
		token := s.tokens(c).str("refresh_token")
		lost := s.refresh(c, token)
		time.Sleep(s.p.RefreshTokenGrace)
		again := s.refresh(c, token)
		if again.status != http.StatusOK || again.str("refresh_token") != lost.str("refresh_token") {
			t.Fatalf("got %d %s, want the successor once more", again.status, again.raw)
		}
		if s.access(again).JTI == s.access(lost).JTI || again.str("id_token") == "" {
			t.Error("want a fresh access token and an ID token")
		}
		if a := s.refresh(c, again.str("refresh_token")); a.status != http.StatusOK {
			t.Errorf("the successor: got %d %s, want tokens", a.status, a.raw)
		}
	})
}

// E4, F3: another client's use of a token, live or rotated long ago, has no effect.
func TestRefreshTokenOfAnotherClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		c := s.client()
		thief := s.client(func(c *storage.Client) { c.ClientID = "thief" })
		first := s.tokens(c)
		s.fails(s.refresh(thief, first.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
		s.fails(s.refresh(thief, first.str("refresh_token"), "scope", "openid"), http.StatusBadRequest, "invalid_grant")
		second := s.refresh(c, first.str("refresh_token"))
		s.fails(s.refresh(thief, first.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
		time.Sleep(time.Hour)
		s.fails(s.refresh(thief, first.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
		if a := s.refresh(c, second.str("refresh_token")); a.status != http.StatusOK {
			t.Errorf("the owner: got %d %s, want tokens", a.status, a.raw)
		}
		if s.events("refresh.reused") != 0 {
			t.Error("another client's try was taken for reuse")
		}
	})
}

// E6: a wider scope is refused and costs nothing; a narrower one narrows one token.
func TestRefreshScope(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		c := s.client()
		token := s.tokens(c).str("refresh_token")
		s.fails(s.refresh(c, token, "scope", "openid email"), http.StatusBadRequest, "invalid_scope")
		time.Sleep(time.Minute) // not the grace window: the token was not touched
		narrow := s.refresh(c, token, "scope", "api")
		if narrow.status != http.StatusOK || narrow.str("scope") != "api" || s.access(narrow).Scope != "api" ||
			narrow.str("id_token") != "" {
			t.Fatalf("got %d %s, want scope api alone", narrow.status, narrow.raw)
		}
		wide := s.refresh(c, narrow.str("refresh_token"), "scope", "openid profile offline_access api")
		if wide.status != http.StatusOK || wide.str("scope") != "openid profile offline_access api" ||
			wide.str("id_token") == "" {
			t.Errorf("got %d %s, want all that was granted", wide.status, wide.raw)
		}
		if all := s.refresh(c, wide.str("refresh_token")); all.str("scope") != "openid profile offline_access api" {
			t.Errorf("got %d %s, want all that was granted", all.status, all.raw)
		}
	})
}

// What is taken from the client is taken from tokens to come.
func TestRefreshDropsScopesTheClientLost(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	token := s.tokens(c).str("refresh_token")
	c.Scope = "openid offline_access"
	s.put(c)
	if a := s.refresh(c, token); a.str("scope") != "openid offline_access" ||
		s.access(a).Scope != "openid offline_access" {
		t.Errorf("got %d %s", a.status, a.raw)
	}
}

// E7: whatever ends the grant ends its refresh token at once, grace window or not.
func TestRefreshAfterTheEnd(t *testing.T) {
	t.Parallel()
	online := func(k *tokens.Code) { k.Scopes = []string{"openid"} }
	for name, c := range map[string]struct {
		code   func(*tokens.Code)
		end    func(s *tokenServer, c *storage.Client) error
		status int
		error  string
	}{
		"signed out, online": {online, func(s *tokenServer, _ *storage.Client) error {
			return s.store.Apply(s.Context(),
				storage.Change{TenantID: s.tenant.ID, Now: time.Now(),
					EndSessions: &storage.SessionFilter{IDs: []string{s.session.ID}}})
		}, 400, "invalid_grant"},
		"user disabled": {online, func(s *tokenServer, _ *storage.Client) error {
			s.user.Disabled = true
			return storagetest.UpdateUser(s.Context(), s.store, s.user)
		}, 400, "invalid_grant"},
		"password changed": {online, func(s *tokenServer, _ *storage.Client) error {
			return storagetest.ChangeCredential(s.Context(), s.store,
				storage.Credential{TenantID: s.tenant.ID, UserID: s.user.ID, Kind: storage.PasswordCredential, Data: []byte("x")})
		}, 400, "invalid_grant"},
		"user removed": {online, func(s *tokenServer, _ *storage.Client) error {
			return storagetest.RemoveUser(s.Context(), s.store, s.tenant.ID, s.user.ID, time.Now())
		}, 400, "invalid_grant"},
		"consent removed": {online, func(s *tokenServer, c *storage.Client) error {
			consent := storage.Consent{TenantID: s.tenant.ID, UserID: s.user.ID, ClientID: c.ClientID, GrantedAt: time.Now()}
			if err := storagetest.PutConsent(s.Context(), s.store, consent); err != nil {
				return err
			}
			return s.store.Apply(s.Context(),
				storage.Change{TenantID: s.tenant.ID, UserID: s.user.ID, Now: time.Now(), Withdraw: c.ClientID})
		}, 400, "invalid_grant"},
		"revoked": {online, func(s *tokenServer, c *storage.Client) error {
			which := storage.GrantFilter{ClientID: c.ClientID, UserID: s.user.ID}
			return s.store.Apply(s.Context(),
				storage.Change{TenantID: s.tenant.ID, Now: time.Now(),
					Revoke: []storage.Revocation{{GrantFilter: which, Why: "test"}}})
		}, 400, "invalid_grant"},
		"client removed": {online, func(s *tokenServer, c *storage.Client) error {
			err := s.store.RemoveClient(s.Context(), s.tenant.ID, c.ClientID, time.Now())
			_, _ = s.p.clients.Fresh(s.Context(), s.tenant.ID, c.ClientID)
			return err
		}, 401, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startTokens(t)
			client := s.client()
			first := s.tokens(client, c.code)
			second := s.refresh(client, first.str("refresh_token"))
			if err := c.end(s, client); err != nil {
				t.Fatal(err)
			}
			s.fails(s.refresh(client, second.str("refresh_token")), c.status, c.error)
			s.fails(s.refresh(client, first.str("refresh_token")), c.status, c.error)
			if s.events("refresh.reused") != 0 {
				t.Error("the end was taken for reuse")
			}
		})
	}
	t.Run("signed out, offline_access", func(t *testing.T) {
		s := startTokens(t)
		c := s.client()
		token := s.tokens(c).str("refresh_token")
		if err := s.store.Apply(t.Context(),
			storage.Change{TenantID: s.tenant.ID, Now: time.Now(),
				EndSessions: &storage.SessionFilter{IDs: []string{s.session.ID}}}); err != nil {
			t.Fatal(err)
		}
		if a := s.refresh(c, token); a.status != http.StatusOK {
			t.Errorf("got %d %s, want tokens: offline_access outlives the session", a.status, a.raw)
		}
	})
}

// E8: the idle and the absolute lifetime, by client.
func TestRefreshLifetimes(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) (*tokenServer, *storage.Client, string) {
		s := startTokens(t)
		c := s.client(func(c *storage.Client) {
			c.RefreshTokenIdleLifetime = storage.Duration(time.Hour)
			c.RefreshTokenLifetime = storage.Duration(150 * time.Minute)
		})
		return s, c, s.tokens(c).str("refresh_token")
	}
	t.Run("idle", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, c, token := start(t)
			time.Sleep(time.Hour)
			s.fails(s.refresh(c, token), http.StatusBadRequest, "invalid_grant")
		})
	})
	t.Run("absolute", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, c, token := start(t)
			for range 2 {
				time.Sleep(59 * time.Minute)
				a := s.refresh(c, token)
				if a.status != http.StatusOK {
					t.Fatalf("used in time: got %d %s, want tokens", a.status, a.raw)
				}
				token = a.str("refresh_token")
			}
			time.Sleep(30 * time.Minute)
			a := s.refresh(c, token)
			if a.status != http.StatusOK || a.body["expires_in"] != 120.0 {
				t.Fatalf("two minutes before the end: got %d %s, want tokens for two minutes", a.status, a.raw)
			}
			time.Sleep(3 * time.Minute)
			s.fails(s.refresh(c, a.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
		})
	})
}

// E9: a confidential client has to authenticate for this too.
func TestRefreshNeedsTheClientsCredentials(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c, secret := s.service("web", func(c *storage.Client) {
		c.GrantTypes = []string{"authorization_code", "refresh_token"}
		c.Scope = "openid profile offline_access api"
	})
	a := s.post(values("grant_type", "authorization_code", "code", s.code(c), "redirect_uri", testRedirect,
		"code_verifier", testVerifier), basic("web", secret))
	s.fails(s.refresh(c, a.str("refresh_token")), http.StatusUnauthorized, "invalid_client")
	a = s.post(values("grant_type", "refresh_token", "refresh_token", a.str("refresh_token")), basic("web", secret))
	if a.status != http.StatusOK {
		t.Errorf("got %d %s, want tokens", a.status, a.raw)
	}
}

// A confidential client may keep one refresh token; a public one may not, whatever
// its record says.
func TestRefreshWithoutRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		off := false
		c, secret := s.service("web", func(c *storage.Client) {
			c.GrantTypes = []string{"authorization_code", "refresh_token"}
			c.Scope = "openid profile offline_access api"
			c.RefreshTokenRotation = &off
			c.RefreshTokenIdleLifetime = storage.Duration(time.Hour)
		})
		a := s.post(values("grant_type", "authorization_code", "code", s.code(c), "redirect_uri", testRedirect,
			"code_verifier", testVerifier), basic("web", secret))
		token := a.str("refresh_token")
		for range 3 { // each use keeps it alive
			time.Sleep(50 * time.Minute)
			a = s.post(values("grant_type", "refresh_token", "refresh_token", token), basic("web", secret))
			if a.status != http.StatusOK || a.str("refresh_token") != token {
				t.Fatalf("got %d %s, want the same refresh token", a.status, a.raw)
			}
		}
		time.Sleep(time.Hour)
		s.fails(s.post(values("grant_type", "refresh_token", "refresh_token", token), basic("web", secret)),
			http.StatusBadRequest, "invalid_grant")

		spa := s.client(func(c *storage.Client) { c.RefreshTokenRotation = &off })
		token = s.tokens(spa).str("refresh_token")
		if a := s.refresh(spa, token); a.str("refresh_token") == token {
			t.Error("a public client's refresh token did not rotate")
		}
	})
}

// OIDC Core 12.2: the refreshed ID token is the same sign-in's.
func TestRefreshedIDToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		c := s.client()
		first := s.tokens(c)
		time.Sleep(time.Minute)
		before, after := payload(t, first.str("id_token")),
			payload(t, s.refresh(c, first.str("refresh_token")).str("id_token"))
		for _, name := range []string{"iss", "sub", "aud", "azp", "auth_time", "sid", "acr"} {
			if before[name] == nil || before[name] != after[name] {
				t.Errorf("%s: got %v, want %v", name, after[name], before[name])
			}
		}
		if after["iat"] != before["iat"].(float64)+60 {
			t.Errorf("iat: got %v after %v, want a minute more", after["iat"], before["iat"])
		}
		if before["nonce"] != "n-0S6" || after["nonce"] != nil {
			t.Errorf("nonce: got %v, then %v", before["nonce"], after["nonce"])
		}
	})
}

// A refresh token has one spelling and one tenant, and its number cannot be changed.
func TestMutantsOfARefreshToken(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	token := s.tokens(c).str("refresh_token")
	opened, err := s.p.tokens.OpenRefreshToken(s.tenant.ID, token)
	if err != nil || opened.Generation != 1 {
		t.Fatalf("got %+v, %v", opened, err)
	}
	id := opened.GrantID
	ofGrant := func(tenant, grant string, gen int64) string {
		return s.p.tokens.RefreshToken(tenant, tokens.RefreshToken{GrantID: grant, Generation: gen})
	}
	mac := token[strings.LastIndex(token, ".")+1:]
	mutants := []string{
		"x", "vrt_", token + "A", token + "=", token + "\n", token[:len(token)-1], strings.ToUpper(token), token[4:],
		"vrt_" + strings.ToUpper(id) + ".1." + mac, "vrt_" + strings.ReplaceAll(id, "-", "") + ".1." + mac,
		"vrt_{" + id + "}.1." + mac,
		"vrt_" + id + ".01." + mac, "vrt_" + id + ".+1." + mac, "vrt_" + id + ".2." + mac, "vrt_" + id + ".-1." + mac,
		"vrt_" + id + ".1", "vrt_" + id + ".1." + mac + ".",
		"vrt_" + newID() + ".1." + mac, ofGrant("other", id, 1),
		"vrt_" + id + ".1." + mac[:20] + "\n" + mac[20:], strings.Repeat("A", 10_000),
	}
	for i := range token {
		mutants = append(mutants, token[:i]+string(token[i]^1)+token[i+1:])
	}
	for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		mutants = append(mutants, token[:len(token)-1]+string(last))
	}
	for _, m := range mutants {
		if m != token {
			s.fails(s.refresh(c, m), http.StatusBadRequest, "invalid_grant")
		}
	}
	s.fails(s.refresh(c, ofGrant(s.tenant.ID, newID(), 1)), http.StatusBadRequest, "invalid_grant")
	s.fails(s.refresh(c, ""), http.StatusBadRequest, "invalid_request")
	a := s.refresh(c, token)
	if a.status != http.StatusOK {
		t.Errorf("the token itself: got %d %s, want tokens", a.status, a.raw)
	}
	// One that was made here but that no grant has reached, as after a restored backup, is no
	// mutant: it ends the grant.
	s.fails(s.refresh(c, ofGrant(s.tenant.ID, id, 5)), http.StatusBadRequest, "invalid_grant")
	s.fails(s.refresh(c, a.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
}

func FuzzRefreshToken(f *testing.F) {
	s := startTokens(f)
	for _, gen := range []int64{1, 2, 9223372036854775807} {
		of := tokens.RefreshToken{GrantID: "018f3c1e-7b1a-7b1a-8b1a-1b1a1b1a1b1a", Generation: gen}
		f.Add(s.p.tokens.RefreshToken(s.tenant.ID, of))
		of.JKT = s256("a key")
		f.Add(s.p.tokens.RefreshToken(s.tenant.ID, of))
	}
	f.Add("vrt_..")
	f.Fuzz(func(t *testing.T, token string) {
		opened, err := s.p.tokens.OpenRefreshToken(s.tenant.ID, token)
		if err != nil {
			return
		}
		if again := s.p.tokens.RefreshToken(s.tenant.ID, opened); again != token {
			t.Errorf("got %q taken for %q", token, again)
		}
		if opened.Generation < 1 {
			t.Errorf("got generation %d", opened.Generation)
		}
	})
}
