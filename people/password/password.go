// Package password hashes passwords and judges new ones.
//
// A password is bounded in length before anything is done with it, hashed in Unicode's
// composed form, because keyboards differ in how they send an accent, and compared in that
// and in the others that another product may have hashed.
// Nothing is cut off. Hashes are Argon2id; the parameters of new ones are a setting,
// and Verify says when a stored one has others, so that it can be replaced while its
// password is at hand. So it says of the hashes of other products, which Import reads
// and which serve until then: each kind has a file of its own, and bounds on what a hash
// may ask for, which are looked at before any work is done.
package password

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
)

// MaxLength is the greatest length of any password, in bytes.
const MaxLength = 1024

// Hasher hashes and verifies passwords.
type Hasher struct {
	argon argon2id.Hasher
	costs *costs
}

// New is a Hasher whose new hashes have the given parameters; the zero Params are
// argon2id.OWASP. A nil pool is the one that the process shares.
func New(params argon2id.Params, pool *argon2id.Pool) (*Hasher, error) {
	h := &Hasher{argon: argon2id.Hasher{Params: params, Pool: pool}}
	if err := h.argon.Check(); err != nil {
		return nil, err
	}
	h.costs = &costs{own: h.argon.Work()}
	return h, nil
}

// ReservedFor is the Hasher with places in the line for those who are known: they do not wait
// for a flood of strangers. Each of them, named by who, has few.
func (h *Hasher) ReservedFor(who string) *Hasher {
	known := *h
	known.argon.Known = who
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

// Learn notes which hashes are in use, from a sample of them: see costs.
func (h *Hasher) Learn(stored ...[]byte) {
	for _, hash := range stored {
		if work := argon2id.WorkOf(string(hash)); work > 0 {
			h.costs.uses(kindOf(string(hash)), work)
		}
	}
}

// Verify says whether the stored hash is the password's, and if so, whether it is
// outdated: to be replaced by what Hash gives. With a nil hash, for somebody who is
// unknown or has no password, it says no, and so it does of a stored hash that cannot be
// read, with an error. Whenever it says no it has done as much work as the dearest of the
// hashes in use takes, so that time does not tell one case from another.
func (h *Hasher) Verify(ctx context.Context, stored []byte, password string) (ok, outdated bool, err error) {
	if len(password) > MaxLength {
		return false, false, ErrTooLong
	}
	var failed error
	err = h.argon.Run(ctx, func() {
		for _, spelling := range spellings(password) {
			done := 0
			if ok, done, failed = h.compare(stored, spelling); ok {
				outdated = spelling != composed(password)
				return
			}
			if failed == nil || errors.Is(failed, argon2id.ErrMalformed) {
				failed = cmp.Or(h.burn(spelling, h.costs.dearest()-done), failed)
			}
		}
	})
	if err != nil || failed != nil || !ok {
		return false, false, cmp.Or(err, failed)
	}
	return true, outdated || h.argon.NeedsRehash(string(stored)), nil
}

// compare compares with a stored hash, and says how much work that was.
func (h *Hasher) compare(hash []byte, password string) (ok bool, done int, err error) {
	if hash == nil {
		return false, 0, nil
	}
	stored, start := string(hash), time.Now()
	if other, err := parseForeign(stored); err == nil {
		ok = other.matches(password)
		return ok, h.costs.tookOther(kindOf(stored), time.Since(start)), nil
	}
	ok, err = argon2id.Compare(stored, password)
	if errors.Is(err, argon2id.ErrMalformed) {
		return false, 0, err
	}
	done = argon2id.WorkOf(stored)
	h.costs.took(done, time.Since(start))
	h.costs.uses(kindOf(stored), done)
	return ok, done, err
}

// burn does so much work in vain.
func (h *Hasher) burn(password string, work int) error {
	if work <= 0 {
		return nil
	}
	start := time.Now()
	err := h.argon.Burn(password, work)
	h.costs.took(work, time.Since(start))
	return err
}

func composed(s string) string { return norm.NFC.String(s) }

// spellings are the password in the composed form, which is what Hash hashes, and where they
// differ as it was sent and in the decomposed form. Other products hash what they get, and the
// user's keyboard may be another one by now. They hang on what was typed alone, so that the
// work for a wrong password tells nothing of the account.
func spellings(password string) []string {
	all := []string{composed(password)}
	for _, s := range []string{password, norm.NFD.String(password)} {
		if len(s) <= MaxLength && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}
