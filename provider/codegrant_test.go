package provider

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// C1: a second use is refused, and kills what the first gave.
func TestCodeWorksOnce(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	code := s.code(c)
	first := s.redeem(c, code)
	if !s.lives(first) {
		t.Fatal("the first use gave dead tokens")
	}
	s.fails(s.redeem(c, code), http.StatusBadRequest, "invalid_grant")
	if s.lives(first) {
		t.Error("the tokens of a code that was used twice still live")
	}
	s.fails(s.refresh(c, first.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
	if s.events("code.reused") != 1 {
		t.Error("the second use was not recorded")
	}
}

// C1, C3: the second use after the code's time kills as well, and time alone ends it.
func TestCodeExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		c := s.client()
		late, used := s.code(c), s.code(c)
		first := s.redeem(c, used)
		time.Sleep(time.Minute)
		s.fails(s.redeem(c, late), http.StatusBadRequest, "invalid_grant")
		if s.events("code.reused") != 0 {
			t.Error("an unused code was called reused")
		}
		s.fails(s.redeem(c, used), http.StatusBadRequest, "invalid_grant")
		if s.lives(first) || s.events("code.reused") != 1 {
			t.Error("late reuse killed nothing")
		}
	})
}

// C2, P8: of many at once, at two replicas, one is answered; afterwards nothing of the
// code lives, because it was used more than once.
func TestCodeInParallel(t *testing.T) {
	t.Parallel()
	onEveryDatabase(t, func(t *testing.T, s *tokenServer) {
		c, replicas := s.client(), []*tokenServer{s, s.replica()}
		for range 5 {
			presented := s.code(c)
			won := inParallel(50, func(i int) reply { return replicas[i%2].redeem(c, presented) })
			winner := slices.IndexFunc(won, func(a reply) bool { return a.status == http.StatusOK })
			if winner < 0 {
				t.Fatal("no request got tokens")
			}
			for i, a := range won {
				if i != winner {
					s.fails(a, http.StatusBadRequest, "invalid_grant")
				}
			}
			if s.lives(won[winner]) {
				t.Error("the winner's tokens live although the code was used 50 times")
			}
		}
	})
}

// inParallel calls f at once n times, and gives what it said.
func inParallel(n int, f func(i int) reply) []reply {
	out := make([]reply, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { out[i] = f(i) })
	}
	wg.Wait()
	return out
}

// The audit trail is kept for good: a client cannot fill it with one code, however often it tries.
func TestMisuseOfACodeIsRecordedOnce(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	used, burnt := s.code(c), s.code(c)
	s.redeem(c, used)
	for range 5 {
		s.fails(s.redeem(c, used), http.StatusBadRequest, "invalid_grant")
		s.fails(s.post(values("grant_type", "authorization_code", "client_id", c.ClientID, "code", burnt, "redirect_uri",
			testRedirect)), http.StatusBadRequest, "invalid_grant")
	}
	if reused, burnt := s.events("code.reused"), s.events("code.burnt"); reused != 1 || burnt != 1 {
		t.Errorf("got %d and %d lines about two codes, want 1 and 1", reused, burnt)
	}
}

// C4: a code is its client's, and another's try does not harm it.
func TestCodeOfAnotherClient(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	other := s.client(func(c *storage.Client) { c.ClientID = "other" })
	confidential, secret := s.service("web", func(c *storage.Client) { c.GrantTypes = []string{"authorization_code"} })
	code := s.code(c)
	s.fails(s.redeem(other, code), http.StatusBadRequest, "invalid_grant")
	a := s.post(values("grant_type", "authorization_code", "code", code, "redirect_uri", testRedirect, "code_verifier",
		testVerifier), basic(confidential.ClientID, secret))
	s.fails(a, http.StatusBadRequest, "invalid_grant")
	first := s.redeem(c, code)
	if first.status != http.StatusOK {
		t.Fatalf("the owner: got %d %s, want tokens", first.status, first.raw)
	}
	s.fails(s.redeem(other, code), http.StatusBadRequest, "invalid_grant")
	if !s.lives(first) {
		t.Error("another client's replay killed the owner's tokens")
	}
}

// N3: a code is its tenant's.
func TestCodeOfAnotherTenant(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	foreign := *s.tenant
	foreign.ID = "other"
	sealed, err := s.p.tokens.SealCode(&foreign,
		&tokens.Code{ID: newID(), ClientID: c.ClientID, UserID: s.user.ID, RedirectURI: testRedirect, IssuedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	s.fails(s.post(values("grant_type", "authorization_code", "client_id", "spa", "code", sealed, "redirect_uri",
		testRedirect)), http.StatusBadRequest, "invalid_grant")
}

// B5: the redirect URI is that of the authorization request, to the letter.
func TestCodeWithAnotherRedirectURI(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	code := s.code(c)
	for _, uri := range []string{"", testRedirect + "/", testRedirect + "?", "https://APP.example.com/cb",
		"https://evil.example/cb"} {
		a := s.post(values("grant_type", "authorization_code", "client_id", "spa", "code", code, "redirect_uri", uri,
			"code_verifier", testVerifier))
		s.fails(a, http.StatusBadRequest, "invalid_grant")
	}
}

// C6: a code that came without its verifier is burnt: no later try gets anything.
func TestCodeIsBurntByAWrongVerifier(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	for name, verifier := range map[string]string{"missing": "", "wrong": strings.Repeat("x", 43),
		"short": testVerifier[:42]} {
		t.Run(name, func(t *testing.T) {
			s := s.elsewhere(t)
			code := s.code(c)
			form := values("grant_type", "authorization_code", "client_id", "spa", "code", code, "redirect_uri", testRedirect,
				"code_verifier", verifier)
			s.fails(s.post(form), http.StatusBadRequest, "invalid_grant")
			form.Del("code_verifier")
			s.fails(s.post(form), http.StatusBadRequest, "invalid_grant")
			s.fails(s.redeem(c, code), http.StatusBadRequest, "invalid_grant")
		})
	}
	if s.events("code.burnt") < 3 {
		t.Error("burnt codes were not recorded")
	}
}

// C6: the same in parallel: no request redeems the code while another one burns it.
func TestWrongVerifierInParallel(t *testing.T) {
	t.Parallel()
	onEveryDatabase(t, func(t *testing.T, s *tokenServer) {
		c := s.client()
		presented := s.code(c)
		form := values("grant_type", "authorization_code", "client_id", "spa", "code", presented,
			"redirect_uri", testRedirect)
		for _, a := range inParallel(20, func(int) reply { return s.post(form) }) {
			s.fails(a, http.StatusBadRequest, "invalid_grant")
		}
		s.fails(s.redeem(c, presented), http.StatusBadRequest, "invalid_grant")
	})
}

// C7: a verifier where no challenge was.
func TestVerifierWithoutChallenge(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	bare := func(k *tokens.Code) { k.CodeChallenge = "" }
	presented := s.code(c, bare)
	s.fails(s.redeem(c, presented), http.StatusBadRequest, "invalid_grant")
	s.fails(s.post(values("grant_type", "authorization_code", "client_id", "spa", "code", presented, "redirect_uri",
		testRedirect)), http.StatusBadRequest, "invalid_grant")

	a := s.post(values("grant_type", "authorization_code", "client_id", "spa", "code", s.code(c, bare),
		"redirect_uri", testRedirect))
	if a.status != http.StatusOK {
		t.Errorf("neither challenge nor verifier: got %d %s, want tokens", a.status, a.raw)
	}
}

// C9: what differs from a code in anything is none.
func TestMutantsOfACode(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client()
	code := s.code(c)
	mutants := []string{"x", code[:len(code)-1], code + "A", code + "=", code[:20] + "\n" + code[20:], code + "\r\n",
		strings.ToUpper(code), "." + code, strings.Repeat("A", 5000), "\u00e9"}
	for i := 0; i < len(code); i += 7 {
		mutants = append(mutants, code[:i]+string(code[i]^1)+code[i+1:])
	}
	for _, last := range "AEIMQUYcgkosw048" { // other spellings of the last bits
		mutants = append(mutants, code[:len(code)-1]+string(last))
	}
	for _, m := range mutants {
		if m != code {
			s.fails(s.redeem(c, m), http.StatusBadRequest, "invalid_grant")
		}
	}
	s.fails(s.redeem(c, ""), http.StatusBadRequest, "invalid_request")
	if a := s.redeem(c, code); a.status != http.StatusOK {
		t.Errorf("the code itself: got %d %s, want tokens", a.status, a.raw)
	}
}

// A15: a user who is gone between the code and the token gets no token.
func TestCodeOfAUserWhoIsGone(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*tokenServer, *storage.Client) error{
		"user disabled": func(s *tokenServer, _ *storage.Client) error {
			s.user.Disabled = true
			return storagetest.UpdateUser(s.Context(), s.store, s.user)
		},
		"signed out": func(s *tokenServer, _ *storage.Client) error {
			return s.store.Apply(s.Context(),
				storage.Change{TenantID: s.tenant.ID, Now: time.Now(),
					EndSessions: &storage.SessionFilter{IDs: []string{s.session.ID}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := startTokens(t)
			c := s.client()
			presented := s.code(c, func(k *tokens.Code) { k.Scopes = []string{"openid"} })
			if err := end(s, c); err != nil {
				t.Fatal(err)
			}
			s.fails(s.redeem(c, presented), http.StatusBadRequest, "invalid_grant")
		})
	}
	t.Run("client disabled", func(t *testing.T) {
		s := startTokens(t)
		c := s.client()
		code := s.code(c)
		c.Disabled = true
		s.put(c)
		s.fails(s.redeem(c, code), http.StatusUnauthorized, "invalid_client")
	})
}

func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestGrantHasWhatTheCodeSaid(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client(func(c *storage.Client) {
		c.RefreshTokenLifetime = storage.Duration(48 * time.Hour)
		c.RefreshTokenIdleLifetime = storage.Duration(time.Hour)
	})
	a := s.tokens(c, func(k *tokens.Code) { k.Claims = []byte(`{"userinfo":{"email":null}}`) })
	g := s.grant(a)
	if g.UserID != s.user.ID || g.ClientID != "spa" || g.SessionID != s.session.ID || !g.Offline || g.Generation != 1 ||
		!slices.Equal(g.Scopes, []string{"openid", "profile", "offline_access", "api"}) ||
		string(g.Claims) != `{"userinfo":{"email":null}}` {
		t.Errorf("got %+v", g)
	}
	if got := time.Until(g.ExpiresAt).Round(time.Hour); got != 48*time.Hour {
		t.Errorf("the grant lives %v, want 48h", got)
	}
	if got := time.Until(g.IdleExpiresAt).Round(time.Minute); got != time.Hour {
		t.Errorf("the refresh token lives %v unused, want 1h", got)
	}

	c = s.client(func(c *storage.Client) { c.GrantTypes = []string{"authorization_code"} })
	a = s.tokens(c, func(k *tokens.Code) { k.Scopes = []string{"api"} })
	if g := s.grant(a); a.body["refresh_token"] != nil || a.body["id_token"] != nil || g.Offline || g.Generation != 0 {
		t.Errorf("got %s and %+v, want an access token alone", a.raw, g)
	}
}

// A token never outlives its grant, however the lifetimes are set.
func TestAccessTokenEndsWithItsGrant(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	c := s.client(func(c *storage.Client) { c.RefreshTokenLifetime = storage.Duration(2 * time.Minute) })
	if a := s.tokens(c); a.body["expires_in"] != 120.0 {
		t.Errorf("expires_in: got %v, want 120", a.body["expires_in"])
	}
}
