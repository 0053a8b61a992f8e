package provider

import "github.com/vouchsafe/vouchsafe/storage"

// FieldError says what is wrong with one field of a client.
type FieldError struct{ Field, Message string }

// ValidateClient fills the defaults and says all that is wrong.
func ValidateClient(c *storage.Client) []FieldError { return nil }

// NewClientSecret makes a secret of 256 bits and what is stored of it.
func NewClientSecret() (secret, hash string) { return "", "" }

// HashClientSecret is what is stored of a secret that somebody chose.
func HashClientSecret(s string) (string, error) { return "", nil }

// MatchClientSecret says whether the hash is the secret's.
func MatchClientSecret(hash, secret string) bool { return false }
