// Package password hashes passwords and judges new ones.
//
// A password is bounded in length before anything is done with it, and compared in
// Unicode's composed form, because keyboards differ in how they send an accent.
// Nothing is cut off. Hashes are Argon2id; the parameters of new ones are a setting,
// and Verify says when a stored one has others, so that it can be replaced while its
// password is at hand. So it says of the hashes of other products, which Import reads
// and which serve until then: each kind has a file of its own, and bounds on what a hash
// may ask for, which are looked at before any work is done.
package password

import (
	"context"
	"errors"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
)

// MaxLength is the greatest length of any password, in bytes.
const MaxLength = 1024

// Hasher hashes and verifies passwords.
type Hasher struct {
	argon argon2id.Hasher
	decoy string
}

// New is a Hasher whose new hashes have the given parameters; the zero Params are
// argon2id.OWASP. A nil pool is the one that the process shares.
func New(params argon2id.Params, pool *argon2id.Pool) (*Hasher, error) {
	h := &Hasher{argon: argon2id.Hasher{Params: params, Pool: pool}}
	if err := h.argon.Check(); err != nil {
		return nil, err
	}
	h.decoy = h.argon.Decoy()
	return h, nil
}

// Reserved is the Hasher with a place in the line for those who are known: they do not wait
// for a flood of strangers.
func (h *Hasher) Reserved() *Hasher {
	known := *h
	known.argon.Reserved = true
	return &known
}

// Hash is what is stored of a password. It does not judge it: see Policy.
func (h *Hasher) Hash(ctx context.Context, password string) ([]byte, error) {
	if len(password) > MaxLength {
		return nil, ErrTooLong
	}
	s, err := h.argon.Hash(ctx, composed(password))
	return []byte(s), err
}

// Verify says whether the stored hash is the password's, and if so, whether it is
// outdated: to be replaced by what Hash gives. With a nil hash, for somebody who is
// unknown or has no password, it does the same work and says no, so that time does not
// tell. A stored hash that cannot be read does that too, with an error.
//
// Hashes of other products, which came by Import, take the time that they take, but at
// least that of one of ours when they are not the password's.
func (h *Hasher) Verify(ctx context.Context, stored []byte, password string) (ok, outdated bool, err error) {
	if len(password) > MaxLength {
		return false, false, ErrTooLong
	}
	if stored == nil {
		return false, false, h.inVain(ctx, password)
	}
	if other, err := parseForeign(string(stored)); err == nil {
		return h.verifyForeign(ctx, other, password)
	}
	ok, err = h.argon.Verify(ctx, string(stored), composed(password))
	if errors.Is(err, argon2id.ErrMalformed) {
		if busy := h.inVain(ctx, password); busy != nil {
			return false, false, busy
		}
	}
	if err != nil || !ok {
		return false, false, err
	}
	return true, h.argon.NeedsRehash(string(stored)), nil
}

// inVain does the work of verifying a hash of today.
func (h *Hasher) inVain(ctx context.Context, password string) error {
	_, err := h.argon.Verify(ctx, h.decoy, composed(password))
	return err
}

func (h *Hasher) verifyForeign(ctx context.Context, other foreign, password string) (ok, outdated bool, err error) {
	var took time.Duration
	err = h.argon.Run(ctx, func() {
		start := time.Now()
		for _, spelling := range spellings(password) {
			ok = ok || other.matches(spelling)
		}
		took = time.Since(start)
	})
	if err != nil || ok {
		return ok, ok, err
	}
	// A millisecond of MD5 would tell that there is somebody whose hash was imported.
	if took < quick {
		err = h.inVain(ctx, password)
	}
	return false, false, err
}

// quick is what a hash takes that takes no time, next to one of ours.
const quick = 20 * time.Millisecond

func composed(s string) string { return norm.NFC.String(s) }
