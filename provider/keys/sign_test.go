package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strconv"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// The example of RFC 6979 appendix A.2.5, with SHA-256.
func TestES256IsDeterministic(t *testing.T) {
	t.Parallel()
	scalar, err := hex.DecodeString("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		t.Fatal(err)
	}
	got, err := signBytes(key, jose.ES256, []byte("sample"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" +
		"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
	if hex.EncodeToString(got) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

// R and S with zeros in front, one signature in 128, keep their place.
func TestES256SignaturesAreVerified(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	short := 0
	for i := range 2000 {
		message := []byte(strconv.Itoa(i))
		got, err := signBytes(key, jose.ES256, message)
		if err != nil || len(got) != 64 {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		if got[0] == 0 || got[32] == 0 {
			short++
		}
		sum := sha256.Sum256(message)
		if !ecdsa.Verify(&key.PublicKey, sum[:], new(big.Int).SetBytes(got[:32]), new(big.Int).SetBytes(got[32:])) {
			t.Fatalf("%x does not verify", got)
		}
	}
	if short == 0 {
		t.Error("no signature had a zero in front: nothing was shown of them")
	}
}
