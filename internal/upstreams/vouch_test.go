package upstreams

import (
	"errors"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// G4: a token that was made for another app signs no user in.
func TestTokensOfOtherApps(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{fakeidp.Google, fakeidp.Facebook} {
		th := serve(t, kind, time.Minute, func(_ *fakeidp.Server, u *storage.Upstream) { u.Audiences = []string{"native"} })
		bring := func(client, fault string) (upstream.Identity, error) {
			t.Helper()
			who := jo
			who.Fault = fault
			idToken, accessToken, err := th.idp.Issue(client, who)
			if err != nil {
				t.Fatal(err)
			}
			if kind == fakeidp.Facebook {
				return th.Vouch(t.Context(), upstream.Token{AccessToken: accessToken})
			}
			return th.Vouch(t.Context(), upstream.Token{IDToken: idToken})
		}
		if id, err := bring(th.ClientID, ""); err != nil || id.Subject != "4711" {
			t.Errorf("%s, ours: got %+v, %v", kind, id, err)
		}
		if _, err := bring("evil", ""); !errors.Is(err, upstream.ErrRefused) {
			t.Errorf("%s, another app's: got %v, want it refused", kind, err)
		}
		if kind == fakeidp.Facebook {
			continue
		}
		if _, err := bring("native", ""); err != nil {
			t.Errorf("a further client of ours: %v", err)
		}
		for _, fault := range []string{"issuer", "signature", "unsigned", "symmetric", "expired", "future", "old", "no-sub"} {
			if _, err := bring(th.ClientID, fault); !errors.Is(err, upstream.ErrRefused) {
				t.Errorf("%s: got %v, want it refused", fault, err)
			}
		}
		_, access, err := th.idp.Issue(th.ClientID, jo)
		if err != nil {
			t.Fatal(err)
		}
		for _, tok := range []upstream.Token{{}, {AccessToken: access}, {IDToken: "x"}} {
			if _, err := th.Vouch(t.Context(), tok); !errors.Is(err, upstream.ErrRefused) {
				t.Errorf("%+v: got %v, want it refused", tok, err)
			}
		}
	}
	gh := serve(t, fakeidp.GitHub, time.Minute, nil)
	_, access, err := gh.idp.Issue(gh.ClientID, jo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gh.Vouch(t.Context(), upstream.Token{AccessToken: access}); !errors.Is(err, upstream.ErrRefused) {
		t.Errorf("a token that does not say for whom it was made: got %v, want it refused", err)
	}
}
