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
	// drawEvery is for how long the first half of nonces stays the same.
	drawEvery = time.Hour
)

// nonces makes the nonces of AES-GCM. A key must not seal twice under the same one. Random nonces
// are good for 2^32 values of a key (NIST SP 800-38D section 8.3), which is too few for a key that
// seals codes for years.
//
// Nonces are therefore made as section 8.2.1 says: a field that no other process has, followed by a
// number that grows. The field is 64 random bits, drawn anew each hour. A hundred replicas that run
// for ten years draw 2^23 fields; the probability that two of them are equal is one in half a
// million, however much is sealed. The number is the time within the hour in microseconds, so that
// a machine that is copied while it runs and its copy do not use the same nonces.
type nonces struct {
	mu    sync.Mutex
	field [8]byte
	drawn time.Time
	last  uint32
}

// next returns a nonce that was not returned before.
func (n *nonces) next() (nonce [nonceSize]byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	age := time.Since(n.drawn)
	if age < 0 || age >= drawEvery || n.last == math.MaxUint32 {
		rand.Read(n.field[:])
		n.drawn, n.last, age = time.Now(), 0, 0
	}
	n.last = max(n.last+1, uint32(age/time.Microsecond)) // an hour has fewer than 2^32 microseconds
	copy(nonce[:], n.field[:])
	binary.BigEndian.PutUint32(nonce[len(n.field):], n.last)
	return nonce
}
