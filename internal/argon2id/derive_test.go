package argon2id

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"testing"

	"golang.org/x/crypto/argon2"
)

// TestDerive compares with IDKey, in all that PHC strings may ask for.
func TestDerive(t *testing.T) {
	t.Parallel()
	secrets := [][]byte{nil, []byte("x"), []byte("correct horse battery staple"), make([]byte, 1000)}
	rand.Read(secrets[3])
	for _, p := range []Params{{8, 1, 1}, {9, 1, 1}, {63, 1, 1}, {64, 1, 1}, {64, 3, 1}, {1000, 2, 1}, {1024, 1, 4},
		{1025, 2, 3}, {128, 4, 16}, {4096, 2, 2}, OWASP} {
		for i, secret := range secrets {
			salt := make([]byte, 8+8*i)
			rand.Read(salt)
			for _, length := range []int{16, 31, 32, 33, 63, 64} {
				got, err := derive(secret, salt, p, length)
				if err != nil {
					t.Fatal(err)
				}
				if want := argon2.IDKey(secret, salt, p.Time, p.Memory, p.Threads, uint32(length)); !bytes.Equal(got, want) {
					t.Errorf("%+v, a secret of %d bytes, a key of %d: got another key than IDKey's", p, len(secret), length)
				}
			}
		}
	}
}

// TestVectorOfTheRFC is RFC 9106 section 5.3.
func TestVectorOfTheRFC(t *testing.T) {
	t.Parallel()
	inputs := [4][]byte{
		bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 16), bytes.Repeat([]byte{3}, 8), bytes.Repeat([]byte{4}, 12),
	}
	got, err := deriveWith(inputs, Params{Memory: 32, Time: 3, Threads: 4}, 32)
	const want = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
	if err != nil || hex.EncodeToString(got) != want {
		t.Errorf("got %x, %v, want %s", got, err, want)
	}
}

func BenchmarkDerive(b *testing.B) {
	for name, hash := range map[string]func(secret, salt []byte){
		"ours":  func(secret, salt []byte) { _, _ = derive(secret, salt, OWASP, 32) },
		"IDKey": func(secret, salt []byte) { argon2.IDKey(secret, salt, OWASP.Time, OWASP.Memory, OWASP.Threads, 32) },
	} {
		b.Run(fmt.Sprint(name), func(b *testing.B) {
			for b.Loop() {
				hash([]byte("correct horse battery staple"), make([]byte, 16))
			}
		})
	}
}
