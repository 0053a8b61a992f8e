package password

import (
	"encoding/base64"
	"strings"
)

// A key that is shorter could be met by chance, and then by purpose. Longer ones than
// Keycloak's 64 bytes are not known.
const (
	minKey  = 16
	maxKey  = 128
	maxSalt = 128
)

// phc is what a text in the PHC string format says: $kind$name=number,…$salt$key, with
// v=number before the parameters or not. Every number, name and order is fixed by who
// reads it.
type phc struct {
	kind, version string
	params        map[string]string
	rest          []string // what follows the parameters, in base64
}

// parsePHC cuts a text at its dollar signs. There are to be as many parts behind the
// parameters as rest says.
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

// number is the parameter's value when it is within the bounds.
func (p phc) number(name string, low, high int) (int, bool) {
	return digits(p.params[name], low, high)
}

// bytes are the parts behind the parameters, each of a length within its bounds.
func (p phc) bytes(i, low, high int) ([]byte, bool) {
	b, err := strict.DecodeString(p.rest[i])
	return b, err == nil && len(b) >= low && len(b) <= high && printable(p.rest[i]) // the decoder skips line breaks
}

// strict refuses texts that differ in unused bits only.
var strict = base64.RawStdEncoding.Strict()
