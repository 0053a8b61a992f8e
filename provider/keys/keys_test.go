package keys

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/cache"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// countingKeys counts reads of the store.
type countingKeys struct {
	Store
	reads atomic.Int64
}

func (c *countingKeys) Keys(ctx context.Context, tenant string, since time.Time) ([]storage.Key, error) {
	c.reads.Add(1)
	return c.Store.Keys(ctx, tenant, since)
}

func (s *ringServer) published(k *Ring) []string {
	s.Helper()
	keys, err := k.Complete(s.Context(), s.tenant)
	if err != nil {
		s.Fatal(err)
	}
	var kids []string
	for _, key := range keys.Public(time.Now()).Keys {
		kids = append(kids, key.KeyID)
	}
	return kids
}

// F6: made-up ids of keys do not cost a read each.
func TestUnknownKidsDoNotReadStorage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRing(t)
		counting := &countingKeys{Store: s.store}
		k := s.ringOn(counting)
		s.kidOf(k, "ES256")
		stranger, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		before := counting.reads.Load()
		for range 1000 {
			kid, _ := thumbprint(stranger.Public())
			jwt := signedBy(t, stranger, rand.Text()+kid[26:])
			if _, err := k.Verify(t.Context(), s.tenant, jwt, clients.SigningAlgorithms,
				"at+jwt"); !errors.Is(err, jws.ErrInvalid) {
				t.Fatalf("got %v", err)
			}
		}
		if n := counting.reads.Load() - before; n > 1 {
			t.Errorf("%d reads for 1000 made-up kids, want one", n)
		}
		// A key that another replica has just made is found.
		time.Sleep(cache.TTL)
		s.kidOf(k, "ES256")
		key, err := s.rotate("ES256", true)
		if err != nil {
			t.Fatal(err)
		}
		jwt, err := s.ring.Sign(t.Context(), s.tenant, "ES256", "at+jwt", []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Verify(t.Context(), s.tenant, jwt, clients.SigningAlgorithms, "at+jwt"); err != nil {
			t.Errorf("signed with %s: %v", key.ID, err)
		}
	})
}

// Within a second no key is read, parsed or unsealed again.
func TestSigningReadsOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startRing(t)
		counting := &countingKeys{Store: s.store}
		k := s.ringOn(counting)
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

// N1, N3: private halves are sealed, for their tenant, and never published.
func TestKeysAtRest(t *testing.T) {
	t.Parallel()
	s := startRing(t)
	s.kidOf(s.ring, "EdDSA")
	keys, err := s.ring.Complete(t.Context(), s.tenant)
	if err != nil {
		t.Fatal(err)
	}
	if len(keys.Public(time.Now()).Keys) != 3 {
		t.Errorf("%d keys, want three", len(keys.Public(time.Now()).Keys))
	}
	for _, key := range keys.Public(time.Now()).Keys {
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
	rows, err := s.store.Keys(t.Context(), s.tenant, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if _, err := x509.ParsePKCS8PrivateKey(row.Private); err == nil {
			t.Error("a private key is stored in the clear")
		}
		if _, err := s.secrets.Box("other", secret.SigningKey).Open(row.Private); err == nil {
			t.Error("a private key opens for another tenant")
		}
	}
}

// The error names the lost master secret. Keys still verify tokens.
func TestKeysUnderAnotherMasterSecret(t *testing.T) {
	t.Parallel()
	s := startRing(t)
	token, err := s.ring.Sign(t.Context(), s.tenant, "ES256", "at+jwt", []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	masters, err := secret.Parse(secret.Token())
	if err != nil {
		t.Fatal(err)
	}
	k := NewRing(Config{Lifetimes: Lifetimes{Rotation: s.ring.Rotation, Longest: 24 * time.Hour}, Store: s.store,
		Secrets: masters, Algorithm: "ES256"})
	_, err = k.Sign(t.Context(), s.tenant, "ES256", "JWT", []byte("{}"))
	if err == nil || !strings.Contains(err.Error(), "master secret") {
		t.Errorf("got %v, want it to name the master secret", err)
	}
	if _, err := k.Verify(t.Context(), s.tenant, token, clients.SigningAlgorithms, "at+jwt"); err != nil {
		t.Errorf("verify: %v", err)
	}
}

// A row with the private half of another key does not sign.
func TestExchangedPrivateHalf(t *testing.T) {
	t.Parallel()
	s := startRing(t)
	box := s.secrets.Box(s.tenant, secret.SigningKey)
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

// signedBy returns an access token signed with a key that is not the tenant's.
func signedBy(t testing.TB, key *ecdsa.PrivateKey, kid string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key},
		&jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"kid": kid, "typ": "at+jwt"}})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	jwt, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return jwt
}
