package argon2id

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
)

const (
	saltLength = 16 // RFC 9106 section 3.1
	keyLength  = 32
)

// Params say how costly a hash is.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes over the memory
	Threads uint8
}

// OWASP is the least that the OWASP password storage cheat sheet asks for: 19 MiB,
// two passes, one thread.
var OWASP = Params{Memory: 19 * 1024, Time: 2, Threads: 1}

// Hasher hashes and verifies. The zero value is ready: OWASP's parameters, and the
// pool that the whole process shares.
type Hasher struct {
	// Params of new hashes. Default OWASP.
	Params Params
	// Pool bounds the work. Default: the one that the process shares.
	Pool *Pool
	// Known, when it is set, says who of those that are known it is: they queue in a line of
	// their own.
	Known string
}

// Check says whether the parameters are ones that Verify would take back.
func (h *Hasher) Check() error { return h.params().check() }

// Hash is the secret's PHC string, with a salt of its own. ErrBusy when there are too many.
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

// Verify says whether phc is the secret's hash. ErrMalformed when it is no PHC string
// of Argon2id, or one that asks for more work than anybody honest does; ErrBusy when
// there are too many.
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

// Readable says whether phc is one that Verify would work on.
func Readable(phc string) bool {
	_, err := parse(phc)
	return err == nil
}

// Run runs other slow work within the same bound: hashes of other kinds, for one.
// ErrBusy when there is too much.
func (h *Hasher) Run(ctx context.Context, work func()) error {
	return h.pool().run(ctx, h.Known, work)
}

// NeedsRehash says whether phc was made with other parameters than new hashes are.
func (h *Hasher) NeedsRehash(phc string) bool {
	d, err := parse(phc)
	return err != nil || d.params != h.params() || len(d.salt) != saltLength || len(d.key) != keyLength
}

// Work is how much there is to do for a hash: KiB that are filled, over all passes.
func (p Params) Work() int { return int(p.Memory) * int(p.Time) }

// WorkOf is the work of a stored hash, 0 for what is none.
func WorkOf(phc string) int {
	d, err := parse(phc)
	if err != nil {
		return 0
	}
	return d.params.Work()
}

// Work is that of new hashes.
func (h *Hasher) Work() int { return h.params().Work() }

// Compare is Verify without a place in a line: call it within Run.
func Compare(phc, secret string) (bool, error) {
	d, err := parse(phc)
	if err != nil {
		return false, err
	}
	key, err := derive([]byte(secret), d.salt, d.params, len(d.key))
	return err == nil && subtle.ConstantTimeCompare(key, d.key) == 1, err
}

// Burn does so much work, for nothing: with as many passes and lanes as new hashes have, for
// they decide how fast it goes. Call it within Run.
func (h *Hasher) Burn(secret string, work int) error {
	p := h.params()
	p.Memory = uint32(min(work/int(p.Time), maxMemory))
	if p.Memory < 8*uint32(p.Threads) {
		return nil // a few microseconds
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
