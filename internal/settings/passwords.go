package settings

import (
	"net/url"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/people/password"
)

// Argon2 returns what hashing a password costs.
func (c *Config) Argon2() argon2id.Params {
	return argon2id.Params{Memory: uint32(c.Argon2Memory), Time: uint32(c.Argon2Passes), Threads: uint8(c.Argon2Lanes)}
}

// KeratinScore returns the least score of a new password at the routes of Keratin AuthN.
func (c *Config) KeratinScore() int {
	if k := c.KeratinAuthN; k != nil && k.PasswordScore >= 0 {
		return k.PasswordScore
	}
	return c.PasswordMinScore
}

// leastHashing is the least product of Argon2's memory in KiB and its passes among the settings
// that OWASP recommends: 7 MiB, 5 times.
const leastHashing = 7168 * 5

// HashesCheaply reports whether an attacker with the hashes could guess passwords cheaply.
func (c *Config) HashesCheaply() bool { return c.Argon2Memory*c.Argon2Passes < leastHashing }

// checkPasswords reports what is wrong with the settings of passwords.
func (c *Config) checkPasswords(wrong wrong) {
	if n := c.PasswordMinLength; n < password.MinLength || n > 64 {
		wrong("password_min_length",
			"%d is out of range: write %d to 64. Less is easy to guess, and more refuses good passwords", n, password.MinLength)
	}
	if n := c.PasswordMinScore; n < 0 || n > 4 {
		wrong("password_min_score", "%d is out of range: write 0 to 4", n)
	}
	if s := c.BreachedPasswordsURL; s != "" {
		if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme != "https" &&
			!(u.Scheme == "http" && loopback(u.Hostname())) {
			wrong("breached_passwords_url",
				"%q is not a URL of such a service: write https://api.pwnedpasswords.com, or that of another", s)
		}
	}
	for name, n := range map[string]int{"argon2_memory": c.Argon2Memory, "argon2_passes": c.Argon2Passes,
		"argon2_lanes": c.Argon2Lanes} {
		// Within the types, so that Argon2 cuts nothing off.
		if n < 1 || n > 1<<20 || name == "argon2_lanes" && n > 16 {
			wrong(name, "%d is out of bounds: %s is the default", n, Named(name).Default())
			return
		}
	}
	if _, err := password.New(c.Argon2(), nil); err != nil {
		wrong("argon2_memory", "with argon2_passes and argon2_lanes is out of bounds (%v): 19456 with 2 passes and 1 lane "+
			"is the default, and 262144 the most", err)
	}
}
