// Package password hashes passwords and judges new ones.
//
// The length of a password is checked before anything else is done with it. A password is hashed in
// Unicode's composed form (NFC), because keyboards differ in how they send an accent. It is
// compared in that form and in the others that another product may have hashed. No part of a
// password is cut off.
//
// Hashes are Argon2id, with parameters that are a setting. Verify reports whether a stored hash has
// other parameters, so that it can be replaced while the password is at hand. It does the same for
// hashes of other products. Import reads those, and each kind has a file of its own, with bounds on
// its parameters that are checked before any work is done.
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

// MaxLength is the maximum length of a password, in bytes.
const MaxLength = 1024

// Hasher hashes and verifies passwords. Make one with New.
type Hasher struct {
	argon argon2id.Hasher
	costs *costs
}

// New returns a Hasher whose new hashes have the parameters. The zero Params stand for
// argon2id.OWASP, and a nil pool for the one that the process shares. It returns an error if the
// parameters are out of bounds.
func New(params argon2id.Params, pool *argon2id.Pool) (*Hasher, error) {
	h := &Hasher{argon: argon2id.Hasher{Params: params, Pool: pool}}
	if err := h.argon.Check(); err != nil {
		return nil, err
	}
	h.costs = &costs{own: h.argon.Work()}
	return h, nil
}

// ReservedFor returns a copy of the Hasher whose work waits in the line of known callers, where a
// flood of unknown callers cannot delay it. who identifies the caller. Each has a few places only;
// see argon2id.Pool.
func (h *Hasher) ReservedFor(who string) *Hasher {
	known := *h
	known.argon.Known = who
	return &known
}

// Hash returns the stored form of a password. It does not judge the password; Policy does. It
// returns ErrTooLong or argon2id.ErrBusy.
func (h *Hasher) Hash(ctx context.Context, password string) ([]byte, error) {
	if len(password) > MaxLength {
		return nil, ErrTooLong
	}
	s, err := h.argon.Hash(ctx, composed(password))
	return []byte(s), err
}

// Learn records which hashes are in use, from a sample of them. See costs.
func (h *Hasher) Learn(stored ...[]byte) {
	for _, hash := range stored {
		if work := argon2id.WorkOf(string(hash)); work > 0 {
			h.costs.uses(kindOf(string(hash)), work)
		}
	}
}

// Verify reports whether stored is the hash of the password and, if so, whether it is outdated and
// should be replaced by the result of Hash.
//
// A nil hash stands for an account that does not exist or has no password, and never matches. A
// stored hash that cannot be read does not match either, and gives an error. Whenever the password
// does not match, Verify has done as much work as the most expensive hash in use takes, so that the
// time of an answer does not tell these cases apart.
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

// compare compares the password with a stored hash, and returns how much work that was.
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

// burn does that much work and discards the result.
func (h *Hasher) burn(password string, work int) error {
	if work <= 0 {
		return nil
	}
	start := time.Now()
	err := h.argon.Burn(password, work)
	h.costs.took(work, time.Since(start))
	return err
}

// composed returns s in Unicode's composed form.
func composed(s string) string { return norm.NFC.String(s) }

// spellings returns the password in the composed form, which Hash hashes, and if they differ also
// as it was sent and in the decomposed form. Other products hash what they receive, and the user
// may have another keyboard by now. The list depends only on the typed password, so that the work
// for a wrong one reveals nothing about the account.
func spellings(password string) []string {
	all := []string{composed(password)}
	for _, s := range []string{password, norm.NFD.String(password)} {
		if len(s) <= MaxLength && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}
