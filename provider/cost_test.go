package provider

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// statements are those that f causes, by their first word.
func (s *tokenServer) statements(status int, f func() reply) string {
	s.Helper()
	var verbs []string
	store := s.store.(*sqldb.Store)
	store.OnStatement(func(query string) {
		verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
		verbs = append(verbs, verb)
	})
	defer store.OnStatement(nil)
	if a := f(); a.status != status {
		s.Fatalf("got %d %s, want %d", a.status, a.raw, status)
	}
	return strings.Join(verbs, " ")
}

// The costs that design promises (ARCHITECTURE.md), with clients and keys read within
// the second: tokens for oneself ask nothing, and a code and a refresh one write, which returns the user.
func TestStatementsPerToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		off := false
		c := s.client(func(c *storage.Client) { c.IDTokenClaims = &off })
		_, secret := s.service("svc")
		plus := s.client(func(c *storage.Client) { c.ClientID = "plus" })
		ask(s, basic("svc", secret))
		warm, more := s.tokens(c), s.tokens(plus)
		token, narrow := warm.str("refresh_token"), ""
		code, coded := s.code(c), s.code(plus)
		for _, step := range []struct {
			name string
			do   func() reply
			want string
		}{
			{"client credentials", func() reply { return ask(s, basic("svc", secret)) }, ""},
			{"code", func() reply { return s.redeem(c, code) }, "INSERT"},
			{"refresh", func() reply { a := s.refresh(c, token); narrow = a.str("refresh_token"); return a }, "UPDATE"},
			{"refresh with scope", func() reply { return s.refresh(c, narrow, "scope", "api") }, "SELECT UPDATE"},
			{"lost answer", func() reply { return s.refresh(c, narrow) }, "UPDATE SELECT SELECT"},
			{"code, claims in the ID token", func() reply { return s.redeem(plus, coded) }, "INSERT"},
			{"refresh, claims in the ID token", func() reply {
				return s.refresh(plus, more.str("refresh_token"))
			}, "UPDATE"},
		} {
			if got := s.statements(http.StatusOK, step.do); got != step.want {
				t.Errorf("%s: got %q, want %q", step.name, got, step.want)
			}
		}
	})
}

// D4: an unknown client and a wrong secret cost the same.
func TestStatementsPerFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		_, secret := s.service("svc")
		ask(s, basic("svc", secret))
		for _, id := range []string{"svc", "nobody"} {
			got := s.statements(http.StatusUnauthorized, func() reply { return ask(s, basic(id, "wrong")) })
			if got != "SELECT" {
				t.Errorf("%s: got %q, want one SELECT", id, got)
			}
		}
	})
}
