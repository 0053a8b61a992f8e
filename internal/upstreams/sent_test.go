package upstreams

import (
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// What is certain is believed, whatever userinfo says or does not say.
func TestUserinfoAsProvidersSendIt(t *testing.T) {
	t.Parallel()
	th := serve(t, fakeidp.OpenID, time.Minute, nil)
	for fault, knows := range map[string]bool{"lean": true, "userinfo-jwt": true, "userinfo-403": false,
		"userinfo-500": false, "userinfo-jwt-other": false} {
		who := jo
		who.Fault = fault
		id, err := th.come(who)
		if err != nil || id.Subject != jo.Subject {
			t.Errorf("%s: got %+v, %v", fault, id, err)
		}
		if got := id.Email == jo.Email && id.EmailVerified; got != knows || !knows && id.Email != "" {
			t.Errorf("%s: got address %q, verified %v", fault, id.Email, id.EmailVerified)
		}
	}
	// With all in the ID token userinfo is not asked at all.
	before := th.idp.Hits("/userinfo")
	if _, err := th.come(jo); err != nil || th.idp.Hits("/userinfo") != before {
		t.Errorf("%v, userinfo was asked %d times more", err, th.idp.Hits("/userinfo")-before)
	}
	// GitHub Apps may lack the right to read addresses.
	gh := serve(t, fakeidp.GitHub, time.Minute, nil)
	who := jo
	who.Fault = "no-emails"
	if id, err := gh.come(who); err != nil || id.Email != "" || id.EmailVerified || id.Subject != jo.Subject {
		t.Errorf("GitHub without addresses: got %+v, %v", id, err)
	}
}

// Amazon documents texts in the userinfo of its user pools, and for no other address.
func TestBooleansOfAmazon(t *testing.T) {
	t.Parallel()
	said := claims{"email": "jo@example.com", "email_verified": "true"}
	for issuer, want := range map[string]bool{
		"https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc": true,
		"https://cognito-idp.evil.example/x":                              false,
		"https://cognito-idp.x.amazonaws.com.evil.example/x":              false,
		"http://cognito-idp.eu-central-1.amazonaws.com/x":                 false,
	} {
		p, err := New(nil).provider(storage.Upstream{Issuer: issuer, Preset: "oidc"}, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := p.identity(said).EmailVerified; got != want {
			t.Errorf("%s: got %v", issuer, got)
		}
	}
}

// A token that an app brings has one spelling, and its signature is no part of its name.
func TestTokensOfAppsHaveOneSpelling(t *testing.T) {
	t.Parallel()
	th := serve(t, fakeidp.OpenID, time.Minute, nil)
	raw, _, err := th.idp.Issue(th.ClientID, jo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := th.Vouch(t.Context(), upstream.Token{IDToken: raw}); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(raw, ".")
	spare := strings.NewReplacer("A", "B", "Q", "R", "g", "h", "w", "x").Replace(parts[2][len(parts[2])-1:])
	for name, other := range map[string]string{
		"a line break": parts[0] + "." + parts[1] + "." + parts[2][:20] + "\n" + parts[2][20:],
		"a return":     raw + "\r\n", "padding": raw + "==",
		"spare bits":                 raw[:len(raw)-1] + spare,
		"a line break in the header": parts[0][:4] + "\n" + parts[0][4:] + "." + parts[1] + "." + parts[2],
	} {
		if other == raw {
			t.Fatalf("%s: no other spelling", name)
		}
		if _, err := th.Vouch(t.Context(), upstream.Token{IDToken: other}); !errors.Is(err, upstream.ErrRefused) {
			t.Errorf("%s: got %v, want it refused", name, err)
		}
	}
	// An attacker can make a second ECDSA signature from a first, without the key. It verifies: a
	// token must not be recognised by its signature when it is spent.
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(sig[32:]))
	second := parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(append(sig[:32:32],
		s.FillBytes(make([]byte, 32))...))
	if _, err := th.Vouch(t.Context(), upstream.Token{IDToken: second}); err != nil {
		t.Errorf("the second signature does not verify, and this test shows nothing: %v", err)
	}
}

// Made-up key ids have the provider asked once in a while.
func TestMadeUpKeysAreLookedForOnce(t *testing.T) {
	t.Parallel()
	th := serve(t, fakeidp.OpenID, time.Minute, nil)
	raw, _, err := th.idp.Issue(th.ClientID, jo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := th.Vouch(t.Context(), upstream.Token{IDToken: raw}); err != nil {
		t.Fatal(err)
	}
	before := th.idp.Hits("/keys")
	_, rest, _ := strings.Cut(raw, ".")
	for i := range 40 {
		header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"made-up-` + string(rune('a'+i%26)) +
			string(rune('a'+i/26)) + `"}`))
		if _, err := th.Vouch(t.Context(),
			upstream.Token{IDToken: header + "." + rest}); !errors.Is(err, upstream.ErrRefused) {
			t.Fatalf("got %v", err)
		}
	}
	if n := th.idp.Hits("/keys") - before; n != 1 {
		t.Errorf("the keys were fetched %d times, want once", n)
	}
	if _, err := th.Vouch(t.Context(), upstream.Token{IDToken: raw}); err != nil {
		t.Errorf("a key that is known: %v", err)
	}
}

// What a provider says of the time of the proof is kept apart from what it was asked for.
func TestWhenThePersonWasProven(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, fault string
		refused     bool
		age         time.Duration // -1: not said
	}{
		{fakeidp.OpenID, "", false, 0}, {fakeidp.OpenID, "no-auth-time", false, -1}, {fakeidp.OpenID, "auth-time", true, 0},
		{fakeidp.Google, "auth-time", false, 24 * time.Hour}, {fakeidp.Google, "no-auth-time", false, -1},
		{fakeidp.Apple, "auth-time", false, 24 * time.Hour}, {fakeidp.Facebook, "", false, -1},
		{fakeidp.GitHub, "", false, -1},
	} {
		th := serve(t, c.kind, time.Minute, nil)
		who := jo
		who.Fault = c.fault
		r := newRequest()
		r.Fresh, r.Begun = true, time.Now()
		address, err := th.AuthURL(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		a, err := th.answer(address, who, r)
		if err != nil {
			t.Fatal(err)
		}
		id, err := th.Identify(t.Context(), r, a)
		if c.refused {
			if !errors.Is(err, upstream.ErrRefused) {
				t.Errorf("%s, %s: got %v, want it refused", c.kind, c.fault, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s, %s: %v", c.kind, c.fault, err)
			continue
		}
		if said := !id.ProvenAt.IsZero(); said != (c.age >= 0) || said &&
			(time.Since(id.ProvenAt)-c.age).Abs() > time.Minute {
			t.Errorf("%s, %s: proven at %s", c.kind, c.fault, id.ProvenAt)
		}
	}
}
