package password

import (
	"encoding/base64"
	"strings"
)

// Bounds on lengths, in bytes. With a shorter key, wrong passwords would match by chance or could
// be found. The longest known keys are Keycloak's with 64 bytes.
const (
	minKey  = 16
	maxKey  = 128
	maxSalt = 128
)

// phc is the content of a text in the PHC string format: $KIND$NAME=NUMBER,…$SALT$KEY, with or
// without v=NUMBER before the parameters. The parser of each kind says which names it has, and in
// which order.
type phc struct {
	kind, version string
	params        map[string]string
	rest          []string // the parts after the parameters, in base64
}

// parsePHC splits a text at its dollar signs. It reports false unless the text has exactly the
// parameters of names, in that order, and rest parts after them.
func parsePHC(text string, names []string, rest int) (p phc, ok bool) {
	parts := strings.Split(text, "$")
	if len(parts) < 3 || parts[0] != "" {
		return p, false
	}
	p.kind, parts = parts[1], parts[2:]
	if v, found := strings.CutPrefix(parts[0], "v="); found {
		p.version, parts = v, parts[1:]
	}
	if len(parts) != 1+rest {
		return p, false
	}
	fields := strings.Split(parts[0], ",")
	if len(fields) != len(names) {
		return p, false
	}
	p.params = map[string]string{}
	for i, f := range fields {
		val, found := strings.CutPrefix(f, names[i]+"=")
		if !found {
			return p, false
		}
		p.params[names[i]] = val
	}
	p.rest = parts[1:]
	return p, true
}

// number returns the value of a parameter, and reports whether it is a number from low to high.
func (p phc) number(name string, low, high int) (int, bool) {
	return digits(p.params[name], low, high)
}

// bytes decodes part i after the parameters, and reports whether its length is from low to high.
func (p phc) bytes(i, low, high int) ([]byte, bool) {
	b, err := strict.DecodeString(p.rest[i])
	// the decoder skips line breaks
	return b, err == nil && len(b) >= low && len(b) <= high && printable(p.rest[i])
}

// strict refuses base64 with bits set that are not used.
var strict = base64.RawStdEncoding.Strict()
