package secret

import (
	"crypto/rand"
	"encoding/binary"
	"math"
	"sync"
	"time"
)

const (
	nonceSize = 12
	// drawEvery is how long a nonce's first half serves.
	drawEvery = time.Hour
)

// nonces makes those of AES-GCM, under which no key may ever seal twice. Random ones would
// do for 2^32 values of a key (NIST SP 800-38D section 8.3): too few for one that seals codes
// for years. So they are made as section 8.2.1 says: a field that no other process has, and a
// number that grows. The field is 64 random bits, drawn anew each hour. A hundred replicas
// that run for ten years draw 2^23 of them: the odds that any two are equal are one in half
// a million, however much was sealed. The number is the time within the hour, so that a
// machine that is copied while it runs does not give its copy the same ones.
type nonces struct {
	mu    sync.Mutex
	field [8]byte
	drawn time.Time
	last  uint32
}

// next is a nonce that was never given before.
func (n *nonces) next() (nonce [nonceSize]byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	age := time.Since(n.drawn)
	if age < 0 || age >= drawEvery || n.last == math.MaxUint32 {
		rand.Read(n.field[:])
		n.drawn, n.last, age = time.Now(), 0, 0
	}
	n.last = max(n.last+1, uint32(age/time.Microsecond)) // an hour has fewer than 2^32
	copy(nonce[:], n.field[:])
	binary.BigEndian.PutUint32(nonce[len(n.field):], n.last)
	return nonce
}
