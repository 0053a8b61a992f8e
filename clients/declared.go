package clients

import (
	"regexp"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Declared is a client as a file or a request declares it: the record, and its secrets.
type Declared struct {
	storage.Client
	Secrets []string // in clear; their hashes are stored
	Hashes  []string // of other secrets, as they are stored
	// ClaimPlaces says where in a file each of Claims stands, by the claim: FILE:LINE:COLUMN.
	ClaimPlaces map[string]string
}

// The fields of a declared client that are not fields of the record.
const (
	SecretField     = "client_secret"
	secretHashField = "client_secret_hash"
)

// samplePrefix begins the secrets of the sample clients.yaml, which are public.
const samplePrefix = "sample-"

// secretHash is the form of what is stored of a secret.
var secretHash = regexp.MustCompile(
	`^(sha256\$[A-Za-z0-9_-]{43}|\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,})$`)

// Check fills the defaults as [Validate] does, and returns all that is wrong with the client and its
// secrets. samples says whether the secrets of the sample file are good enough here.
func (d *Declared) Check(samples bool) []Fault {
	v := &clientChecks{Client: &d.Client}
	v.secrets(d, samples)
	return append(v.faults, Validate(&d.Client)...)
}

// secrets checks the declared secrets and hashes, and whether the client needs any.
func (v *clientChecks) secrets(d *Declared, samples bool) {
	for _, s := range d.Secrets {
		switch {
		case strings.HasPrefix(s, samplePrefix) && !samples:
			v.fault(SecretField, "is a published sample secret. Make your own with `vouchsafe client secret`")
		case len(s) < minSecret:
			v.fault(SecretField, "is shorter than %d characters. Make one with `vouchsafe client secret`", minSecret)
		}
	}
	for _, h := range d.Hashes {
		slow := strings.HasPrefix(h, "$")
		if !secretHash.MatchString(h) || slow && argon2id.CheckHash(h) != nil {
			v.fault(secretHashField, "isn't a complete hash of a supported kind. `vouchsafe "+
				"client secret` prints one")
		}
	}
	bySecret := d.TokenEndpointAuthMethod == "" || strings.HasPrefix(d.TokenEndpointAuthMethod, "client_secret_")
	switch some := len(d.Secrets)+len(d.Hashes) > 0; {
	case bySecret && !some:
		v.fault(SecretField, "is missing. Make one with `vouchsafe client secret`; or write token_endpoint_auth_method: "+
			"none for an application that can keep no secret (one that runs in a browser or on a phone), or "+
			"private_key_jwt for one with a key")
	case some && !bySecret:
		v.fault(SecretField, "isn't used with token_endpoint_auth_method: %s. Remove it", d.TokenEndpointAuthMethod)
	}
}
