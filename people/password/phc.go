package password

import (
	"encoding/base64"
	"slices"
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
// without v=NUMBER before the parameters. Products differ in the order of the parameters.
type phc struct {
	kind, version string
	params        map[string]string
	rest          []string // the parts after the parameters, in base64
}

// parsePHC splits a text at its dollar signs. It returns an error unless the text has each of the
// named parameters once, no others, and rest parts after them.
func parsePHC(text string, names []string, rest int) (p phc, err error) {
	parts := strings.Split(text, "$")
	if len(parts) < 3 || parts[0] != "" {
		return p, refuse("it has not the form $KIND$PARAMETERS$SALT$KEY")
	}
	p.kind, parts = parts[1], parts[2:]
	if v, found := strings.CutPrefix(parts[0], "v="); found && !strings.Contains(v, ",") {
		p.version, parts = v, parts[1:]
	}
	if len(parts) != 1+rest {
		return p, refuse("it has not %d parts after its parameters", rest)
	}
	p.params = map[string]string{}
	for f := range strings.SplitSeq(parts[0], ",") {
		name, val, _ := strings.Cut(f, "=")
		if _, twice := p.params[name]; twice || !slices.Contains(names, name) {
			return p, refuse("its parameters must be %s, each once", strings.Join(names, ", "))
		}
		p.params[name] = val
	}
	if len(p.params) != len(names) {
		return p, refuse("its parameters must be %s, each once", strings.Join(names, ", "))
	}
	p.rest = parts[1:]
	return p, nil
}

// number returns the value of a parameter, which must be a number from low to high.
func (p phc) number(name string, low, high int) (int, error) {
	return bounded("parameter "+name, p.params[name], low, high)
}

// bytes decodes part i after the parameters. Its length must be from low to high.
func (p phc) bytes(name string, i, low, high int) ([]byte, error) {
	b, err := strict.DecodeString(p.rest[i])
	if err != nil || !printable(p.rest[i]) { // the decoder skips line breaks
		return nil, refuse("the %s is not base64 without padding", name)
	}
	return b, within("bytes of the "+name, len(b), low, high)
}

// strict refuses base64 with bits set that are not used.
var strict = base64.RawStdEncoding.Strict()
