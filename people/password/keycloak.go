package password

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

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
		return "", refuse("it is no JSON of a credential")
	}
	if c.Type != "" && c.Type != "password" {
		return "", refuse("the credential is of another type than password")
	}
	secret, data := keycloakSecret{c.Value, c.Salt}, keycloakData{Iterations: c.Iterations, Algorithm: c.Algorithm}
	if len(c.SecretData) > 0 || len(c.CredentialData) > 0 {
		secret, data = keycloakSecret{}, keycloakData{}
		if nested(c.SecretData, &secret) != nil || nested(c.CredentialData, &data) != nil {
			return "", refuse("there is no JSON in secretData or credentialData")
		}
	}
	salt, err1 := anyBase64(secret.Salt)
	key, err2 := anyBase64(secret.Value)
	if err1 != nil || err2 != nil {
		return "", refuse("its salt or value is not base64")
	}
	if kind := keycloakPBKDF2[data.Algorithm]; kind != "" {
		return textOf(newPBKDF2(kind, data.Iterations, salt, key))
	}
	version := map[string]int{"1.0": 0x10, "1.3": 0x13}[first(data.More["version"])]
	if data.Algorithm != "argon2" || version == 0 {
		return "", refuse("its algorithm is neither PBKDF2 nor Argon2 of version 1.0 or 1.3")
	}
	memory, err1 := strconv.Atoi(first(data.More["memory"]))
	threads, err2 := strconv.Atoi(first(data.More["parallelism"]))
	if err1 != nil || err2 != nil {
		return "", refuse("its memory or parallelism is no number")
	}
	kind := "argon2" + first(data.More["type"])
	return argon2Hash{kind, version, memory, data.Iterations, threads, salt, key}.String(), nil
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
