package argon2id

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
)

// Lengths in bytes of the salt and the key of new hashes.
const (
	saltLength = 16 // RFC 9106 section 3.1
	keyLength  = 32
)

// OWASP are the minimum parameters of the OWASP password storage cheat sheet: 19 MiB, two passes,
// one thread.
var OWASP = Params{Memory: 19 * 1024, Time: 2, Threads: 1}

// Hasher hashes and verifies secrets. The zero value is ready for use: it has OWASP's parameters
// and the pool that the whole process shares.
type Hasher struct {
	// Params are the parameters of new hashes. The default is OWASP.
	Params Params
	// Pool bounds how many hashes run at once. The default is the pool of the process.
	Pool *Pool
	// Known, unless "", identifies a caller that is known, such as a browser that has signed in
	// before. Known callers queue in a line of their own; see Pool.
	Known string
}

// Check returns an error if the parameters of new hashes are outside the bounds that Verify
// accepts.
func (h *Hasher) Check() error { return h.params().check() }

// Hash returns the PHC string of secret, with a new random salt. It returns ErrBusy if too many
// hashes are wanted at once.
func (h *Hasher) Hash(ctx context.Context, secret string) (string, error) {
	p := h.params()
	if err := p.check(); err != nil {
		return "", err
	}
	salt := make([]byte, saltLength)
	rand.Read(salt)
	d := digest{params: p, salt: salt}
	var failed error
	err := h.pool().run(ctx, h.Known, func() { d.key, failed = derive([]byte(secret), salt, p, keyLength) })
	if err := cmp.Or(err, failed); err != nil {
		return "", err
	}
	return d.String(), nil
}

// Verify reports whether phc is the hash of secret. It returns ErrMalformed if phc is not a PHC
// string of Argon2id, or if its parameters are out of bounds, and ErrBusy if too many hashes are
// wanted at once.
func (h *Hasher) Verify(ctx context.Context, phc, secret string) (bool, error) {
	d, err := parse(phc)
	if err != nil {
		return false, err
	}
	var key []byte
	var failed error
	err = h.pool().run(ctx, h.Known, func() { key, failed = derive([]byte(secret), d.salt, d.params, len(d.key)) })
	if err := cmp.Or(err, failed); err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, d.key) == 1, nil
}

// Readable reports whether phc is a PHC string that Verify accepts.
func Readable(phc string) bool {
	_, err := parse(phc)
	return err == nil
}

// Run calls work within the bound on hashes at once. It serves other slow work, such as hashes of
// other algorithms. It returns ErrBusy without calling work if too many hashes are wanted at once.
func (h *Hasher) Run(ctx context.Context, work func()) error {
	return h.pool().run(ctx, h.Known, work)
}

// NeedsRehash reports whether phc has other parameters or lengths than new hashes have.
func (h *Hasher) NeedsRehash(phc string) bool {
	d, err := parse(phc)
	return err != nil || d.params != h.params() || len(d.salt) != saltLength || len(d.key) != keyLength
}

// Work returns the cost of a hash as one number: the KiB that it fills, over all passes.
func (p Params) Work() int { return int(p.Memory) * int(p.Time) }

// WorkOf returns the Work of a stored hash, or 0 if phc is not a hash.
func WorkOf(phc string) int {
	d, err := parse(phc)
	if err != nil {
		return 0
	}
	return d.params.Work()
}

// Work returns the Work of new hashes.
func (h *Hasher) Work() int { return h.params().Work() }

// Compare is Verify without queueing. Call it within Run.
func Compare(phc, secret string) (bool, error) {
	d, err := parse(phc)
	if err != nil {
		return false, err
	}
	key, err := derive([]byte(secret), d.salt, d.params, len(d.key))
	return err == nil && subtle.ConstantTimeCompare(key, d.key) == 1, err
}

// Burn does as much work as a hash of that Work and discards the result, so that a request without
// a hash to verify takes as long as one with it. It keeps the passes and lanes of new hashes,
// because they decide the speed. Call it within Run.
func (h *Hasher) Burn(secret string, work int) error {
	p := h.params()
	p.Memory = uint32(min(work/int(p.Time), maxMemory))
	if p.Memory < 8*uint32(p.Threads) {
		return nil // that little work takes a few microseconds and needs no imitation
	}
	salt := make([]byte, saltLength)
	rand.Read(salt)
	_, err := derive([]byte(secret), salt, p, keyLength)
	return err
}

func (h *Hasher) params() Params {
	if h.Params == (Params{}) {
		return OWASP
	}
	return h.Params
}

func (h *Hasher) pool() *Pool {
	if h.Pool == nil {
		return process
	}
	return h.Pool
}
