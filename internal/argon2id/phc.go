package argon2id

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// ErrMalformed means that a string is not a PHC string of Argon2id, or that its parameters are out
// of bounds.
var ErrMalformed = errors.New("not an Argon2id hash within bounds")

// Bounds of the hashes that Verify accepts. Hashes also come from imports: one that asks for 4 GiB
// or a thousand passes is an attack or a mistake.
const (
	maxMemory  = 256 * 1024  // KiB
	maxWork    = 1024 * 1024 // KiB over all passes: one or two seconds of a core
	maxTime    = 64
	maxThreads = 16
	maxLength  = 256 // of the PHC string, in bytes
)

// check returns an error that wraps ErrMalformed if the parameters are out of bounds.
func (p Params) check() error {
	if p.Time < 1 || p.Time > maxTime || p.Threads < 1 || p.Threads > maxThreads ||
		p.Memory < 8*uint32(p.Threads) || p.Memory > maxMemory || p.Memory*p.Time > maxWork {
		return fmt.Errorf("%w: m=%d,t=%d,p=%d", ErrMalformed, p.Memory, p.Time, p.Threads)
	}
	return nil
}

// digest is the content of a PHC string.
type digest struct {
	params    Params
	salt, key []byte
}

// strict refuses base64 with bits set that are not used, because a hash must have one spelling
// only.
var strict = base64.RawStdEncoding.Strict()

// String returns the PHC string.
func (d digest) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		d.params.Memory, d.params.Time, d.params.Threads, strict.EncodeToString(d.salt), strict.EncodeToString(d.key))
}

// parse reads a PHC string in the one spelling that String writes: the parameters in the order of
// the reference implementation, no leading zeros, no padding.
func parse(s string) (digest, error) {
	var d digest
	parts := strings.Split(s[:min(len(s), maxLength+1)], "$")
	if len(s) > maxLength || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return d, ErrMalformed
	}
	fields := strings.Split(parts[3], ",")
	if len(fields) != 3 {
		return d, ErrMalformed
	}
	memory, ok1 := number(fields[0], "m=")
	passes, ok2 := number(fields[1], "t=")
	threads, ok3 := number(fields[2], "p=")
	if !ok1 || !ok2 || !ok3 || threads > maxThreads {
		return d, ErrMalformed
	}
	d.params = Params{Memory: memory, Time: passes, Threads: uint8(threads)}
	if err := d.params.check(); err != nil {
		return d, err
	}
	var err1, err2 error
	d.salt, err1 = strict.DecodeString(parts[4])
	d.key, err2 = strict.DecodeString(parts[5])
	if err1 != nil || err2 != nil || strings.ContainsAny(s, "\r\n") || // the decoder skips line breaks
		len(d.salt) < 8 || len(d.salt) > 64 || len(d.key) < 16 || len(d.key) > 64 {
		return digest{}, ErrMalformed
	}
	return d, nil
}

// CheckHash returns nil if Verify can work with the hash. Otherwise it returns an error that wraps
// ErrMalformed and names the parameters, if it could read them.
func CheckHash(hash string) error {
	_, err := parse(hash)
	return err
}

// number reads the decimal digits after the prefix. It reports false for leading zeros and for more
// than seven digits.
func number(s, prefix string) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return 0, false
	}
	// A number of more than seven digits is above every bound.
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil && len(digits) <= 7 && strconv.FormatUint(n, 10) == digits
}
