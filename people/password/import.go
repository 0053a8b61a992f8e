package password

import (
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
)

// maxImported bounds what another product wrote, in bytes. The longest are credentials of Keycloak, in JSON. A
// hash may stand in schemes within schemes, which are taken off one by one.
const maxImported = 8 << 10

// Import returns the stored form of a password that another product hashed. docs/password-hashes.md has
// the forms that it reads, with their bounds. For hashes of Firebase, whose parameters are not part of an
// account, see Firebase. Import returns ErrForeign, with a reason that does not quote the hash, if text is
// none of these, cannot be verified, or demands too much work.
func Import(text string) ([]byte, error) {
	if len(text) > maxImported {
		return nil, refuse("it is longer than %d bytes", maxImported)
	}
	text, err := converted(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(text, "$argon2") { // the order of parameters differs
		if text, err = textOf(parseArgon2(text)); err != nil || argon2id.Readable(text) {
			return []byte(text), err
		}
	}
	text, err = textOf(parseForeign(text))
	return []byte(text), err
}

// textOf returns the stored form of a hash.
func textOf(h foreign, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return h.String(), nil
}

// converted converts what another product wrote to a text of foreignKinds or of Argon2id.
func converted(text string) (string, error) {
	if strings.HasPrefix(text, "{") {
		scheme, rest, found := strings.Cut(text, "}")
		if !found || strings.ContainsAny(scheme, "\":\n\r\t ") {
			return fromKeycloak(text)
		}
		return fromScheme(scheme[1:], rest, text)
	}
	if kind, rest, found := strings.Cut(text, "|"); found && len(kind) == 1 { // Nextcloud and ownCloud
		return converted(rest)
	}
	for _, p := range products {
		if m := p.form.FindStringSubmatch(text); m != nil {
			return p.convert(m[1:])
		}
	}
	return unpadded(text), nil
}

// unpadded removes the padding of the parts of a PHC string, which some products write.
func unpadded(text string) string {
	parts := strings.Split(text, "$")
	for i, p := range parts {
		parts[i] = strings.TrimRight(p, "=")
	}
	return strings.Join(parts, "$")
}
