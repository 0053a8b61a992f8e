package password

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
)

// Import returns the stored form of a password that another product hashed. It reads
//
//   - PHC strings: $argon2id$, $argon2i$, $argon2d$, $scrypt$, $pbkdf2-sha256$i=…, and PBKDF2 as
//     passlib writes it: $pbkdf2-sha256$29000$…, $pbkdf2$1000$…;
//   - bcrypt: $2a$, $2b$, $2y$, as Auth0 exports it and PHP's password_hash makes it;
//   - Django: pbkdf2_sha256$…, pbkdf2_sha1$…, argon2$…, bcrypt$…, bcrypt_sha256$…, scrypt$…;
//   - phpass: $P$, $H$;
//   - Keycloak: a credential in JSON with secretData and credentialData or, from old versions, with
//     hashedSaltedValue.
//
// For hashes of Firebase, whose parameters are not part of an account, see Firebase. Import returns
// ErrForeign if text is none of these, cannot be verified, or demands too much work.
func Import(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	var err error
	if strings.HasPrefix(text, "{") {
		text, err = fromKeycloak(text)
	} else {
		text, err = fromText(text)
	}
	if err != nil {
		return nil, err
	}
	if argon2id.Readable(text) {
		return []byte(text), nil
	}
	if _, err := parseForeign(text); err != nil {
		return nil, err
	}
	return []byte(text), nil
}

// fromText converts a hash that is not JSON to a text of foreignKinds or of Argon2id.
func fromText(text string) (string, error) {
	name, rest, _ := strings.Cut(text, "$")
	switch name {
	case "pbkdf2_sha256", "pbkdf2_sha1", "pbkdf2_sha512":
		return fromDjangoPBKDF2(strings.Replace(name, "_", "-", 1), rest)
	case "scrypt":
		return fromDjangoScrypt(rest)
	case "argon2": // argon2$argon2id$v=19$…
		return unpadded("$" + rest), nil
	case "bcrypt":
		return rest, nil
	}
	switch {
	case strings.HasPrefix(text, "$pbkdf2"):
		return fromPasslib(text)
	case strings.HasPrefix(text, "$2"), strings.HasPrefix(text, "$P$"), strings.HasPrefix(text, "$H$"), name != "":
		return text, nil
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

// fromDjangoPBKDF2 reads ITERATIONS$SALT$KEY. The salt is plain text and not base64.
func fromDjangoPBKDF2(kind, rest string) (string, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return "", ErrForeign
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	n, ok := digits(parts[0], 1, maxPBKDF2)
	if err != nil || !ok {
		return "", ErrForeign
	}
	return pbkdf2Hash{kind, n, []byte(parts[1]), key}.String(), nil
}

// fromDjangoScrypt reads N$SALT$R$P$KEY.
func fromDjangoScrypt(rest string) (string, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 5 {
		return "", ErrForeign
	}
	n, ok1 := digits(parts[0], 2, 1<<20)
	r, ok2 := digits(parts[2], 1, 64)
	p, ok3 := digits(parts[3], 1, 64)
	key, err := base64.StdEncoding.DecodeString(parts[4])
	if !ok1 || !ok2 || !ok3 || err != nil || n&(n-1) != 0 {
		return "", ErrForeign
	}
	ln := 0
	for n>>ln > 1 {
		ln++
	}
	return scryptHash{scryptCost{ln, r, p}, []byte(parts[1]), key}.String(), nil
}

// fromPasslib reads $pbkdf2-sha256$29000$SALT$KEY, in a base64 that has . in the place of +.
// $pbkdf2$ stands for SHA-1. A text that is in the PHC format already is returned as it is.
func fromPasslib(text string) (string, error) {
	parts := strings.Split(unpadded(text), "$")
	if len(parts) != 5 {
		return "", ErrForeign
	}
	if parts[1] == "pbkdf2" {
		parts[1] = "pbkdf2-sha1"
	}
	if _, ok := digits(parts[2], 1, maxPBKDF2); ok {
		parts[2] = "i=" + parts[2]
		parts[3], parts[4] = strings.ReplaceAll(parts[3], ".", "+"), strings.ReplaceAll(parts[4], ".", "+")
	}
	return strings.Join(parts, "$"), nil
}

// keycloakCredential is a credential in the export of a realm.
type keycloakCredential struct {
	Type           string          `json:"type"`
	SecretData     json.RawMessage `json:"secretData"`     // JSON, usually in a string
	CredentialData json.RawMessage `json:"credentialData"` // JSON, usually in a string

	// Old versions have these members instead.
	Value      string `json:"hashedSaltedValue"`
	Salt       string `json:"salt"`
	Iterations int    `json:"hashIterations"`
	Algorithm  string `json:"algorithm"`
}

// keycloakSecret is the content of secretData.
type keycloakSecret struct {
	Value string `json:"value"`
	Salt  string `json:"salt"`
}

// keycloakData is the content of credentialData.
type keycloakData struct {
	Iterations int                 `json:"hashIterations"`
	Algorithm  string              `json:"algorithm"`
	More       map[string][]string `json:"additionalParameters"`
}

// keycloakPBKDF2 are Keycloak's names for PBKDF2. The name without a hash stands for SHA-1.
var keycloakPBKDF2 = map[string]string{"pbkdf2": "pbkdf2-sha1", "pbkdf2-sha256": "pbkdf2-sha256",
	"pbkdf2-sha512": "pbkdf2-sha512"}

// fromKeycloak converts a credential of Keycloak to a text of foreignKinds or of Argon2id.
func fromKeycloak(text string) (string, error) {
	var c keycloakCredential
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return "", fmt.Errorf("%w: no JSON of a credential", ErrForeign)
	}
	if c.Type != "" && c.Type != "password" {
		return "", fmt.Errorf("%w: a credential of another type", ErrForeign)
	}
	secret, data := keycloakSecret{c.Value, c.Salt}, keycloakData{Iterations: c.Iterations, Algorithm: c.Algorithm}
	if len(c.SecretData) > 0 || len(c.CredentialData) > 0 {
		secret, data = keycloakSecret{}, keycloakData{}
		if nested(c.SecretData, &secret) != nil || nested(c.CredentialData, &data) != nil {
			return "", fmt.Errorf("%w: no JSON in secretData or credentialData", ErrForeign)
		}
	}
	salt, err1 := anyBase64(secret.Salt)
	key, err2 := anyBase64(secret.Value)
	if err1 != nil || err2 != nil || data.Iterations < 1 {
		return "", ErrForeign
	}
	if kind := keycloakPBKDF2[data.Algorithm]; kind != "" {
		return pbkdf2Hash{kind, data.Iterations, salt, key}.String(), nil
	}
	if data.Algorithm != "argon2" || first(data.More["version"]) != "1.3" {
		return "", ErrForeign
	}
	memory, err1 := strconv.Atoi(first(data.More["memory"]))
	threads, err2 := strconv.Atoi(first(data.More["parallelism"]))
	if err1 != nil || err2 != nil {
		return "", ErrForeign
	}
	return argon2Hash{"argon2" + first(data.More["type"]), memory, data.Iterations, threads, salt, key}.String(), nil
}

// nested reads JSON that may be inside a JSON string.
func nested(raw json.RawMessage, v any) error {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		raw = json.RawMessage(s)
	}
	return json.Unmarshal(raw, v)
}

// anyBase64 reads base64 with or without padding.
func anyBase64(s string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
}

// first returns the first element, or "" if there is none.
func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}
