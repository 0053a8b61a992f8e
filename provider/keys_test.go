package provider

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// countingKeys counts reads of the store.
type countingKeys struct {
	testStore
	reads atomic.Int64
}

func (c *countingKeys) Keys(ctx context.Context, tenant string, since time.Time) ([]storage.Key, error) {
	c.reads.Add(1)
	return c.testStore.Keys(ctx, tenant, since)
}

func (s *tokenServer) published(k *keyring) []string {
	s.Helper()
	keys, err := k.complete(s.Context(), s.tenant.ID)
	if err != nil {
		s.Fatal(err)
	}
	var kids []string
	for _, key := range keys.public(time.Now()).Keys {
		kids = append(kids, key.KeyID)
	}
	return kids
}

// kidOf signs once and says with which key.
func (s *tokenServer) kidOf(k *keyring, alg string) string {
	s.Helper()
	key, err := k.signing(s.Context(), s.tenant.ID, alg)
	if err != nil {
		s.Fatal(err)
	}
	return key.ID
}

// F6: made-up kids do not cost a read each.
func TestUnknownKidsDoNotReadStorage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		counting := &countingKeys{testStore: s.store}
		k := newKeyring(counting, s.p.Secrets, s.p.KeyRotation, 24*time.Hour)
		s.kidOf(k, "ES256")
		stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		before := counting.reads.Load()
		for range 1000 {
			kid, _ := thumbprint(stranger.Public())
			jwt := signJWT(t, jose.ES256, stranger, map[string]any{"iss": testIssuer}, map[jose.HeaderKey]any{"kid": rand.Text() + kid[26:], "typ": "at+jwt"})
			if _, err := k.verify(t.Context(), s.tenant.ID, jwt, clients.SigningAlgorithms, "at+jwt"); !errors.Is(err, errTokenInvalid) {
				t.Fatalf("got %v", err)
			}
		}
		if n := counting.reads.Load() - before; n > 1 {
			t.Errorf("%d reads for 1000 made-up kids, want one", n)
		}
		// A key that another replica made this moment is found all the same.
		time.Sleep(cache.TTL)
		s.kidOf(k, "ES256")
		key, err := s.rotate("ES256", true)
		if err != nil {
			t.Fatal(err)
		}
		jwt, err := s.p.keys.sign(t.Context(), s.tenant.ID, "ES256", "at+jwt", []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.verify(t.Context(), s.tenant.ID, jwt, clients.SigningAlgorithms, "at+jwt"); err != nil {
			t.Errorf("signed with %s: %v", key.ID, err)
		}
	})
}

// Between two seconds nothing is read, parsed or unsealed.
func TestSigningReadsOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startTokens(t)
		counting := &countingKeys{testStore: s.store}
		k := newKeyring(counting, s.p.Secrets, s.p.KeyRotation, 24*time.Hour)
		s.kidOf(k, "ES256")
		before := counting.reads.Load()
		for range 100 {
			s.kidOf(k, "ES256")
			time.Sleep(30 * time.Millisecond)
		}
		if n := counting.reads.Load() - before; n > 3 {
			t.Errorf("%d reads in 3 seconds, want one a second", n)
		}
	})
}

// F1, F2, F3: what is signed otherwise than we sign is no token of ours.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	pair := s.tokens(s.client())
	token := pair.str("access_token")
	claims := payload(t, token)
	keys, err := s.p.keys.complete(t.Context(), s.tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	kids := map[string]string{}
	var rsaDER []byte
	for _, key := range keys.public(time.Now()).Keys {
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
	signing, err := s.p.keys.signing(t.Context(), s.tenant.ID, "ES256")
	if err != nil {
		t.Fatal(err)
	}
	private, err := signing.unsealed()
	if err != nil {
		t.Fatal(err)
	}
	without := func(name string) map[string]any {
		some := maps.Clone(claims)
		delete(some, name)
		return some
	}
	parts := strings.Split(token, ".")
	for name, jwt := range map[string]string{
		"alg none":             unsigned(`{"alg":"none","typ":"at+jwt","kid":"`+kids["ES256"]+`"}`, claims, ""),
		"HS256, public key":    signJWT(t, jose.HS256, rsaDER, claims, header(kids["RS256"])),
		"a stranger's key":     signJWT(t, jose.ES256, stranger, claims, header(kids["ES256"])),
		"alg of another key":   signJWT(t, jose.ES256, stranger, claims, header(kids["RS256"])),
		"jwk":                  signJWT(t, jose.ES256, stranger, claims, header("x", "jwk", json.RawMessage(strangerJWK))),
		"jwk and kid":          signJWT(t, jose.ES256, stranger, claims, header(kids["ES256"], "jwk", json.RawMessage(strangerJWK))),
		"jku":                  signJWT(t, jose.ES256, stranger, claims, header("x", "jku", "http://127.0.0.1:1/")),
		"kid a path":           signJWT(t, jose.ES256, stranger, claims, header("../../../../../../../../../../dev/null/abcd")),
		"kid SQL":              signJWT(t, jose.ES256, stranger, claims, header("' OR 1=1 -- ' OR 1=1 -- ' OR 1=1 -- ' OR 1=")),
		"no kid":               signJWT(t, jose.ES256, private, claims, map[jose.HeaderKey]any{"typ": "at+jwt"}),
		"no typ":               signJWT(t, jose.ES256, private, claims, map[jose.HeaderKey]any{"kid": kids["ES256"]}),
		"typ JWT, no client":   signJWT(t, jose.ES256, private, without("client_id"), header(kids["ES256"], "typ", "JWT")),
		"typ JWT, no jti":      signJWT(t, jose.ES256, private, without("jti"), header(kids["ES256"], "typ", "JWT")),
		"an ID token":          pair.str("id_token"),
		"typ logout":           signJWT(t, jose.ES256, private, claims, header(kids["ES256"], "typ", "logout+jwt")),
		"typ at+jwt and more":  signJWT(t, jose.ES256, private, claims, header(kids["ES256"], "typ", "at+jwt2")),
		"crit":                 signJWT(t, jose.ES256, private, claims, header(kids["ES256"], "crit", []string{"x"}, "x", 1)),
		"claims changed":       parts[0] + "." + strings.Split(unsigned("{}", map[string]any{"sub": "x"}, ""), ".")[1] + "." + parts[2],
		"signature cut":        token[:len(token)-4],
		"last bits of another": token[:len(token)-1] + otherLast(token),
		"line break":           token[:50] + "\n" + token[50:],
		"padding":              token + "==",
		"JWE":                  strings.Repeat("a.", 4) + "a",
		"dots":                 strings.Repeat(".", 1<<20),
		"a megabyte":           token + strings.Repeat("A", 1<<20),
		"empty":                "",
	} {
		if _, err := s.p.openAccessToken(t.Context(), s.tenant, jwt, time.Now()); !errors.Is(err, errTokenInvalid) {
			t.Errorf("%s: got %v, want an invalid token", name, err)
		}
	}
	// JWT is the typ of some clients' access tokens: their claims tell them from ID tokens.
	for _, typ := range []string{"AT+JWT", "application/at+jwt", "JWT"} {
		jwt := signJWT(t, jose.ES256, private, claims, header(kids["ES256"], "typ", typ))
		if _, err := s.p.openAccessToken(t.Context(), s.tenant, jwt, time.Now()); err != nil {
			t.Errorf("typ %s: %v", typ, err)
		}
	}
}

// otherLast is a last character that decodes to the same bytes when unused bits are ignored.
func otherLast(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, token[len(token)-1])^1])
}

// N1, N3: private halves are sealed, for their tenant, and never published.
func TestKeysAtRest(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	s.kidOf(s.p.keys, "EdDSA")
	keys, err := s.p.keys.complete(t.Context(), s.tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(keys.public(time.Now()).Keys) != 3 {
		t.Errorf("%d keys, want three", len(keys.public(time.Now()).Keys))
	}
	for _, key := range keys.public(time.Now()).Keys {
		if !key.IsPublic() || key.Use != "sig" || key.Algorithm == "" {
			t.Errorf("got %+v", key)
		}
		raw, _ := json.Marshal(key)
		if bytes.Contains(raw, []byte(`"d"`)) {
			t.Errorf("published %s", raw)
		}
		want, _ := thumbprint(key.Key)
		if key.KeyID != want {
			t.Errorf("kid: got %s, want %s", key.KeyID, want)
		}
	}
	rows, err := s.store.Keys(t.Context(), s.tenant.ID, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if _, err := x509.ParsePKCS8PrivateKey(row.Private); err == nil {
			t.Error("a private key is stored in the clear")
		}
		if _, err := s.p.Secrets.Box("other", secret.SigningKey).Open(row.Private); err == nil {
			t.Error("a private key opens for another tenant")
		}
	}
	listed, err := s.p.ListKeys(t.Context(), s.tenant.ID)
	if err != nil || len(listed) != 3 || listed[0].Private != nil {
		t.Errorf("got %v, %v", listed, err)
	}
}

// A lost master secret is said to be that; keys keep verifying.
func TestKeysUnderAnotherMasterSecret(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	token := s.tokens(s.client()).str("access_token")
	masters, err := secret.Parse(secret.Token())
	if err != nil {
		t.Fatal(err)
	}
	k := newKeyring(s.store, masters, s.p.KeyRotation, 24*time.Hour)
	_, err = k.sign(t.Context(), s.tenant.ID, "ES256", "JWT", []byte("{}"))
	if err == nil || !strings.Contains(err.Error(), "master secret") {
		t.Errorf("got %v, want it to name the master secret", err)
	}
	if _, err := k.verify(t.Context(), s.tenant.ID, token, clients.SigningAlgorithms, "at+jwt"); err != nil {
		t.Errorf("verify: %v", err)
	}
}

// A row whose private half was exchanged for another's is not signed with.
func TestExchangedPrivateHalf(t *testing.T) {
	t.Parallel()
	s := startTokens(t)
	box := s.p.Secrets.Box(s.tenant.ID, secret.SigningKey)
	key, _ := generateKey("ES256")
	other, _ := generateKey("ES256")
	kid, _ := thumbprint(key.Public())
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unseal(storage.Key{ID: kid, Private: box.Seal(der)}, box); err == nil {
		t.Error("another key's private half was taken")
	}
}
