package gateway

import (
	"net/http/httptest"
	"testing"

	"github.com/vouchsafe/vouchsafe/gateway/rules"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestTokensOfAUsersKeyComeFromNoSignIn: a token that was given for an API key of a user names the user, and no grant.
func TestTokensOfAUsersKeyComeFromNoSignIn(t *testing.T) {
	t.Parallel()
	b := storage.Bearer{Client: storage.Client{ClientID: "key-1"}, User: &storage.User{ID: "jo"}, Subject: "jo",
		Scopes: []string{"read"}}
	who, err := (&Server{}).bearerOf(t.Context(), "default", b, &rules.Rule{Scopes: b.Scopes})
	if err != nil {
		t.Fatal(err)
	}
	if who.key != "jo" || who.tells("client") != "key-1" || who.tells("user") != "jo" {
		t.Errorf("got %+v", who)
	}
	x := &exchange{who: who, rule: &rules.Rule{Scopes: b.Scopes, MaxAge: storage.Duration(1 << 62)}}
	if v := x.demands(); v == nil || v.challenge != "insufficient_user_authentication" {
		t.Errorf("a rule with max_age: got %+v, want a demand for a sign-in", v)
	}
}

// TestAppsAreToldTheSubjectOfTheToken: an app behind the gateway knows a user as the client does that sent the token,
// and requests are counted by the user all the same.
func TestAppsAreToldTheSubjectOfTheToken(t *testing.T) {
	t.Parallel()
	b := storage.Bearer{Client: storage.Client{ClientID: "c"}, User: &storage.User{ID: "jo"}, Subject: "pairwise",
		Grant: &storage.Grant{SessionID: "session"}, SID: "of-the-sector"}
	who, err := (&Server{}).bearerOf(t.Context(), "default", b, &rules.Rule{})
	if err != nil || who.tells("user") != "pairwise" || who.sid != "of-the-sector" || who.key != "jo" {
		t.Errorf("got %+v, %v", who, err)
	}
}

// TestNoProxyIsTrustedUnlessNamed: oauth2-proxy trusted all where none was named (its issue 3506).
func TestNoProxyIsTrustedUnlessNamed(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"127.0.0.1:80", "[::1]:80", "10.0.0.1:80", "192.0.2.7:80", "x:80"} {
		r := httptest.NewRequest("GET", "/forward-auth/edge", nil)
		if r.RemoteAddr = from; (&Server{}).trusts(r) {
			t.Errorf("%s may ask, and no proxy is named", from)
		}
	}
}
