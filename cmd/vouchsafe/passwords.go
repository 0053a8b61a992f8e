package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	passwords "github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// hasher hashes as the settings say.
func (c *Config) hasher() (*passwords.Hasher, error) {
	return passwords.New(c.argon2(), nil)
}

const (
	// sampledTenants and sampledHashes bound the look at which hashes are in use.
	sampledTenants = 100
	sampledHashes  = 200
)

// learnHashes has the hasher know which hashes are in use: those from before a setting was
// lowered are dearer than new ones, and a wrong password is to cost as much as one of them,
// whether there is an account or none.
func learnHashes(ctx context.Context, s store, h *passwords.Hasher) error {
	tenants, err := s.Tenants(ctx, "", sampledTenants)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		creds, err := s.SomeCredentials(ctx, t.ID, storage.PasswordCredential, sampledHashes)
		if err != nil {
			return err
		}
		for _, c := range creds {
			h.Learn(c.Data)
		}
	}
	return nil
}

func (c *Config) argon2() argon2id.Params {
	return argon2id.Params{Memory: uint32(c.Argon2Memory), Time: uint32(c.Argon2Passes), Threads: uint8(c.Argon2Lanes)}
}

// policy judges new passwords as the settings say.
func (c *Config) policy(roots *x509.CertPool, log *slog.Logger) *passwords.Policy {
	p := &passwords.Policy{MinLength: c.PasswordMinLength, MinScore: c.PasswordMinScore}
	if c.BreachedPasswordsURL != "" {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		p.Breaches = &passwords.Breaches{URL: c.BreachedPasswordsURL, Log: log, Client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
	}
	return p
}

// leastHashing is the least product of argon2's memory in KiB and its passes among the
// settings that OWASP recommends: 7 MiB, 5 times.
const leastHashing = 7168 * 5

func (c *Config) checkPasswords(wrong func(name, format string, args ...any)) {
	if n := c.PasswordMinLength; n < passwords.MinLength || n > 64 {
		wrong("password_min_length", "%d is not from %d to 64: less is too easy to guess, and more keeps good passwords out", n, passwords.MinLength)
	}
	if n := c.PasswordMinScore; n < 0 || n > 4 {
		wrong("password_min_score", "%d is not from 0 to 4", n)
	}
	if s := c.BreachedPasswordsURL; s != "" {
		if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
			wrong("breached_passwords_url", "%q is not a URL of such a service: write https://api.pwnedpasswords.com, or that of another", s)
		}
	}
	for name, n := range map[string]int{"argon2_memory": c.Argon2Memory, "argon2_passes": c.Argon2Passes, "argon2_lanes": c.Argon2Lanes} {
		// Within the types, so that nothing is cut off below.
		if n < 1 || n > 1<<20 || name == "argon2_lanes" && n > 16 {
			wrong(name, "%d is out of bounds: %s is the default", n, settingNamed(name).tag.Get("default"))
			return
		}
	}
	if _, err := c.hasher(); err != nil {
		wrong("argon2_memory", "with argon2_passes and argon2_lanes is out of bounds (%v): 19456 with 2 passes and 1 lane is the default, and 262144 the most", err)
	}
}
