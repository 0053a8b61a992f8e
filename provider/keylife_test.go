package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// kidOf signs once and says with which key.
func (s *tokenServer) kidOf(k *keys.Ring, alg string) string {
	s.Helper()
	key, err := k.Signing(s.Context(), s.tenant.ID, alg)
	if err != nil {
		s.Fatal(err)
	}
	return key.ID
}

// F1, F2, F3: what is signed otherwise than we sign is no token of ours.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	pair := s.tokens(s.client())
	token := pair.str("access_token")
	claims := payload(t, token)
	keys, err := s.p.Keys.Complete(t.Context(), s.tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	kids := map[string]string{}
	var rsaDER []byte
	for _, key := range keys.Public(time.Now()).Keys {
		kids[key.Algorithm] = key.KeyID
		if key.Algorithm == "RS256" {
			if rsaDER, err = x509.MarshalPKIXPublicKey(key.Key); err != nil {
				t.Fatal(err)
			}
		}
	}
	stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	strangerJWK, _ := json.Marshal(jose.JSONWebKey{Key: stranger.Public()})
	header := func(kid string, more ...any) map[jose.HeaderKey]any {
		h := map[jose.HeaderKey]any{"kid": kid, "typ": "at+jwt"}
		for i := 0; i < len(more); i += 2 {
			h[jose.HeaderKey(more[i].(string))] = more[i+1]
		}
		return h
	}
	signing, err := s.p.Keys.Signing(t.Context(), s.tenant.ID, "ES256")
	if err != nil {
		t.Fatal(err)
	}
	private := s.privateHalf(signing.ID)
	without := func(name string) map[string]any {
		some := maps.Clone(claims)
		delete(some, name)
		return some
	}
	parts := strings.Split(token, ".")
	for name, jwt := range map[string]string{
		"alg none":           unsigned(`{"alg":"none","typ":"at+jwt","kid":"`+kids["ES256"]+`"}`, claims, ""),
		"HS256, public key":  signJWT(t, jose.HS256, rsaDER, claims, header(kids["RS256"])),
		"a stranger's key":   signJWT(t, jose.ES256, stranger, claims, header(kids["ES256"])),
		"alg of another key": signJWT(t, jose.ES256, stranger, claims, header(kids["RS256"])),
		"jwk":                signJWT(t, jose.ES256, stranger, claims, header("x", "jwk", json.RawMessage(strangerJWK))),
		"jwk and kid": signJWT(t, jose.ES256, stranger, claims,
			header(kids["ES256"], "jwk", json.RawMessage(strangerJWK))),
		"jku": signJWT(t, jose.ES256, stranger, claims, header("x", "jku", "http://127.0.0.1:1/")),
		"kid a path": signJWT(t, jose.ES256, stranger, claims,
			header("../../../../../../../../../../dev/null/abcd")),
		"kid SQL": signJWT(t, jose.ES256, stranger, claims,
			header("' OR 1=1 -- ' OR 1=1 -- ' OR 1=1 -- ' OR 1=")),
		"no kid":              signJWT(t, jose.ES256, private, claims, map[jose.HeaderKey]any{"typ": "at+jwt"}),
		"no typ":              signJWT(t, jose.ES256, private, claims, map[jose.HeaderKey]any{"kid": kids["ES256"]}),
		"typ JWT, no client":  signJWT(t, jose.ES256, private, without("client_id"), header(kids["ES256"], "typ", "JWT")),
		"typ JWT, no jti":     signJWT(t, jose.ES256, private, without("jti"), header(kids["ES256"], "typ", "JWT")),
		"an ID token":         pair.str("id_token"),
		"typ logout":          signJWT(t, jose.ES256, private, claims, header(kids["ES256"], "typ", "logout+jwt")),
		"typ at+jwt and more": signJWT(t, jose.ES256, private, claims, header(kids["ES256"], "typ", "at+jwt2")),
		"crit":                signJWT(t, jose.ES256, private, claims, header(kids["ES256"], "crit", []string{"x"}, "x", 1)),
		"claims changed": parts[0] + "." + strings.Split(unsigned("{}", map[string]any{"sub": "x"}, ""),
			".")[1] + "." + parts[2],
		"signature cut":        token[:len(token)-4],
		"last bits of another": token[:len(token)-1] + otherLast(token),
		"line break":           token[:50] + "\n" + token[50:],
		"padding":              token + "==",
		"JWE":                  strings.Repeat("a.", 4) + "a",
		"dots":                 strings.Repeat(".", 1<<20),
		"a megabyte":           token + strings.Repeat("A", 1<<20),
		"empty":                "",
	} {
		if _, err := s.p.tokens.OpenAccessToken(t.Context(), s.tenant, jwt, time.Now()); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("%s: got %v, want an invalid token", name, err)
		}
	}
	// JWT is the typ of some clients' access tokens: their claims tell them from ID tokens.
	for _, typ := range []string{"AT+JWT", "application/at+jwt", "JWT"} {
		jwt := signJWT(t, jose.ES256, private, claims, header(kids["ES256"], "typ", typ))
		if _, err := s.p.tokens.OpenAccessToken(t.Context(), s.tenant, jwt, time.Now()); err != nil {
			t.Errorf("typ %s: %v", typ, err)
		}
	}
}

// rotate makes a new key, as the command does.
func (s *tokenServer) rotate(alg string, now bool) (storage.Key, error) {
	s.Helper()
	keys, err := s.p.Keys.Rotate(s.Context(), s.tenant.ID, []string{alg}, now, audit.Actor("cli"))
	if err != nil {
		return storage.Key{}, err
	}
	return keys[0], nil
}

// F6: a rotation is announced, then made, and nothing signed before stops working
// while it lives.
func TestScheduledRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		_, secret := s.service("svc", func(c *storage.Client) { c.AccessTokenLifetime = storage.Duration(24 * time.Hour) })
		token := func() string { return ask(s, basic("svc", secret)).str("access_token") }
		maintain := func() {
			t.Helper()
			if err := s.p.Keys.Maintain(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		token()
		old := s.kidOf(s.p.Keys, "ES256")

		time.Sleep(s.p.KeyRotation - 24*time.Hour - time.Hour)
		maintain()
		if n := len(s.published(s.p.Keys)); n != 2 {
			t.Fatalf("%d keys before anything was due, want RS256 and ES256", n)
		}
		time.Sleep(2 * time.Hour)
		maintain()
		maintain()
		time.Sleep(cache.TTL)
		if n := len(s.published(s.p.Keys)); n != 3 {
			t.Fatalf("%d keys within the lead, want one more", n)
		}
		if got := s.kidOf(s.p.Keys, "ES256"); got != old {
			t.Error("the successor signs before its time")
		}
		time.Sleep(24 * time.Hour)
		last := token()
		if got := s.kidOf(s.p.Keys, "ES256"); got == old {
			t.Fatal("the successor does not sign in its time")
		}
		if n := s.events("key.rotated"); n == 0 {
			t.Error("the rotation was not recorded")
		}

		time.Sleep(24*time.Hour - time.Minute)
		if _, err := s.p.tokens.OpenAccessToken(t.Context(), s.tenant, last, time.Now()); err != nil {
			t.Errorf("a token that lives: %v", err)
		}
		time.Sleep(10 * time.Minute)
		for _, kid := range s.published(s.p.Keys) {
			if kid == old {
				t.Error("the old key is published though nothing that it signed lives")
			}
		}
	})
}

// Tokens of the last minute of a key verify to their end.
func TestTokensOutliveTheirKeysTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		_, secret := s.service("svc", func(c *storage.Client) { c.AccessTokenLifetime = storage.Duration(1000 * time.Hour) })
		a := ask(s, basic("svc", secret))
		if a.body["expires_in"] != (24 * time.Hour).Seconds() {
			t.Errorf("expires_in: got %v, want no more than keys stay published", a.body["expires_in"])
		}
		if _, err := s.rotate("ES256", true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24*time.Hour - time.Second)
		if _, err := s.p.tokens.OpenAccessToken(t.Context(), s.tenant, a.str("access_token"), time.Now()); err != nil {
			t.Error(err)
		}
	})
}

// Removing a key ends at once what it signed.
func TestRemovedKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		a := s.tokens(s.client())
		kid := s.kidOf(s.p.Keys, "ES256")
		if err := s.store.RemoveKey(t.Context(), s.tenant.ID, kid); err != nil {
			t.Fatal(err)
		}
		time.Sleep(cache.TTL)
		if _, err := s.p.tokens.OpenAccessToken(t.Context(), s.tenant, a.str("access_token"),
			time.Now()); !errors.Is(err, jws.ErrInvalid) {
			t.Errorf("got %v, want an invalid token", err)
		}
		if got := s.kidOf(s.p.Keys, "ES256"); got == kid {
			t.Error("the removed key signs")
		}
	})
}

// published returns the ids of the keys that a ring publishes for the tenant.
func (s *tokenServer) published(k *keys.Ring) []string {
	s.Helper()
	keys, err := k.Complete(s.Context(), s.tenant.ID)
	if err != nil {
		s.Fatal(err)
	}
	var kids []string
	for _, key := range keys.Public(time.Now()).Keys {
		kids = append(kids, key.KeyID)
	}
	return kids
}

// otherLast is a last character that decodes to the same bytes when unused bits are ignored.
func otherLast(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, token[len(token)-1])^1])
}

func TestAccessTokensAreSigned(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{AccessTokenAlgorithm: "none"}); err == nil {
		t.Error("none was taken for an algorithm to sign with")
	}
}

// privateHalf returns the private half of a stored key, as a thief of database and secret has it.
func (s *tokenServer) privateHalf(kid string) any {
	s.Helper()
	row, err := s.store.Key(s.Context(), s.tenant.ID, kid)
	if err != nil {
		s.Fatal(err)
	}
	der, err := s.p.Secrets.Box(s.tenant.ID, secret.SigningKey).Open(row.Private)
	if err != nil {
		s.Fatal(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		s.Fatal(err)
	}
	return key
}
