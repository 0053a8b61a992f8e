package password

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"regexp"
	"strconv"
	"strings"
)

// products are forms in which other products write hashes, and how their parts become a text of
// foreignKinds or of Argon2id.
var products = []struct {
	form    *regexp.Regexp
	convert func(parts []string) (string, error)
}{
	// Django
	{regexp.MustCompile(`^pbkdf2_(sha1|sha256|sha512)\$([0-9]+)\$([^$]+)\$([^$]+)$`), func(p []string) (string, error) {
		return fromPBKDF2(p[0], p[1], p[2], base64.StdEncoding.DecodeString, p[3])
	}},
	{regexp.MustCompile(`^scrypt\$([0-9]+)\$([^$]+)\$([0-9]+)\$([0-9]+)\$([^$]+)$`), func(p []string) (string, error) {
		return fromScrypt(p[0], p[2], p[3], p[1], base64.StdEncoding.DecodeString, p[4])
	}},
	{regexp.MustCompile(`^argon2(\$argon2.*)$`), func(p []string) (string, error) { return unpadded(p[0]), nil }},
	{regexp.MustCompile(`^bcrypt\$(\$2.*)$`), func(p []string) (string, error) { return p[0], nil }},
	// passlib
	{regexp.MustCompile(`^\$pbkdf2(-sha1|-sha256|-sha512|)\$([0-9]+)\$([^$]+)\$([^$]+)$`), fromPasslib},
	// Werkzeug (Flask)
	{regexp.MustCompile(`^pbkdf2:(sha1|sha256|sha512):([0-9]+)\$([^$]+)\$([0-9a-f]+)$`), func(p []string) (string, error) {
		return fromPBKDF2(p[0], p[1], p[2], hex.DecodeString, p[3])
	}},
	{regexp.MustCompile(`^scrypt:([0-9]+):([0-9]+):([0-9]+)\$([^$]+)\$([0-9a-f]+)$`), func(p []string) (string, error) {
		return fromScrypt(p[0], p[1], p[2], p[3], hex.DecodeString, p[4])
	}},
	// better-auth
	{regexp.MustCompile(`^([0-9a-f]{32}):([0-9a-f]{128})$`), func(p []string) (string, error) {
		return betterAuthPrefix + p[0] + "$" + p[1], nil
	}},
	// Supabase, of users who came from Firebase
	{regexp.MustCompile(`^\$fbscrypt\$(.*)\$([^$]+)\$([^$]+)$`), fromSupabase},
	// ASP.NET Identity: base64 of a first byte 0 (version 2) or 1 (version 3)
	{regexp.MustCompile(`^(A[AQ][A-Za-z0-9+/]{60,}={0,2})$`), fromASPNET},
}

// fromPBKDF2 converts what a product wrote in parts of its own. The salt is plain text.
func fromPBKDF2(
	hash, iterations, salt string, decode func(string) ([]byte, error), key string,
) (string, error) {
	n, err := bounded("iterations", iterations, 1, maxPBKDF2)
	if err != nil {
		return "", err
	}
	k, err := decode(key)
	if err != nil {
		return "", refuse("its key cannot be decoded")
	}
	return textOf(newPBKDF2("pbkdf2-"+hash, n, []byte(salt), k))
}

// fromScrypt converts what a product wrote in parts of its own. The salt is plain text.
func fromScrypt(n, r, p, salt string, decode func(string) ([]byte, error), key string) (string, error) {
	size, err1 := bounded("parameter N", n, 2, 1<<20)
	var cost scryptCost
	var err2, err3 error
	cost.r, err2 = bounded("parameter r", r, 1, 64)
	cost.p, err3 = bounded("parameter p", p, 1, 64)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return "", err
	}
	if size&(size-1) != 0 {
		return "", refuse("the parameter N must be a power of two")
	}
	cost.ln = bits.Len(uint(size)) - 1
	k, err := decode(key)
	if err != nil {
		return "", refuse("its key cannot be decoded")
	}
	return textOf(newScrypt(cost, []byte(salt), k))
}

// fromPasslib reads the parts of $pbkdf2-sha256$29000$SALT$KEY, in a base64 that has . in the place of +.
// $pbkdf2$ stands for SHA-1.
func fromPasslib(p []string) (string, error) {
	hash := cmp.Or(strings.TrimPrefix(p[0], "-"), "sha1")
	plus := strings.NewReplacer(".", "+", "=", "")
	return textOf(parsePBKDF2("$pbkdf2-" + hash + "$i=" + p[1] + "$" + plus.Replace(p[2]) + "$" + plus.Replace(p[3])))
}

// fromSupabase reads the parts of $fbscrypt$v=1,n=14,r=8,p=1,ss=SEPARATOR,sk=SIGNER KEY$SALT$HASH, which are
// in base64.
func fromSupabase(parts []string) (string, error) {
	params := map[string]string{}
	for f := range strings.SplitSeq(parts[0], ",") {
		name, val, _ := strings.Cut(f, "=")
		params[name] = val
	}
	if params["v"] != "1" || params["p"] != "1" {
		return "", refuse("its v and p must be 1")
	}
	var f Firebase
	var err [6]error
	f.MemCost, err[0] = bounded("parameter n", params["n"], 1, 20)
	f.Rounds, err[1] = bounded("parameter r", params["r"], 1, 64)
	f.SaltSeparator, err[2] = anyBase64(params["ss"])
	f.SignerKey, err[3] = anyBase64(params["sk"])
	salt, e := anyBase64(parts[1])
	err[4] = e
	hash, e := anyBase64(parts[2])
	err[5] = e
	if err := cmp.Or(err[0], err[1]); err != nil {
		return "", err
	}
	if cmp.Or(err[2:]...) != nil {
		return "", refuse("a part of it is not base64")
	}
	stored, e := f.Hash(hash, salt)
	return string(stored), e
}

// aspnetHashes are the pseudo-random functions of ASP.NET Identity by their number.
var aspnetHashes = []string{"pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512"}

// fromASPNET reads the base64 of ASP.NET Identity: in version 2, 16 bytes of salt and 32 of key; in version 3,
// before them the function, the iterations and the length of the salt.
func fromASPNET(p []string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(p[0])
	if err != nil {
		return "", refuse("it is not base64")
	}
	version, b := b[0], b[1:]
	if version == 0 {
		if len(b) != 48 {
			return "", refuse("it has not 49 bytes")
		}
		return textOf(newPBKDF2("pbkdf2-sha1", 1000, b[:16], b[16:]))
	}
	be := binary.BigEndian
	hash, iterations, salt := be.Uint32(b), be.Uint32(b[4:]), be.Uint32(b[8:])
	b = b[12:]
	if version != 1 || int(hash) >= len(aspnetHashes) || iterations > maxPBKDF2 || uint64(salt) > uint64(len(b)) {
		return "", refuse("it has not the form of ASP.NET Identity 3, or more than %d iterations", maxPBKDF2)
	}
	return textOf(newPBKDF2(aspnetHashes[hash], int(iterations), b[:salt], b[salt:]))
}

// fromScheme converts a hash that names its scheme in braces, as directories and Spring Security write it.
// text is all of it.
func fromScheme(scheme, rest, text string) (string, error) {
	name, newer := strings.CutSuffix(strings.ToLower(scheme), "@springsecurity_v5_8")
	switch {
	case name == "crypt", name == "bcrypt", name == "argon2":
		return converted(rest)
	case name == "scrypt":
		return fromSpringScrypt(rest)
	case name == "pbkdf2" && newer:
		return fromSpringPBKDF2("pbkdf2-sha256", 310_000, 16, rest)
	case name == "pbkdf2":
		return fromSpringPBKDF2("pbkdf2-sha1", 185_000, 8, rest)
	case name == "noop":
		return "", refuse("it is a password and not a hash")
	}
	return text, nil
}

// fromSpringScrypt reads $PARAMETERS$SALT$KEY: the parameters are ln, r and p in one hexadecimal number.
func fromSpringScrypt(text string) (string, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 4 || parts[0] != "" {
		return "", refuse("it has not the form $PARAMETERS$SALT$KEY")
	}
	n, err1 := strconv.ParseUint(parts[1], 16, 32)
	salt, err2 := anyBase64(parts[2])
	key, err3 := anyBase64(parts[3])
	if cmp.Or(err1, err2, err3) != nil {
		return "", refuse("it has not the form $PARAMETERS$SALT$KEY")
	}
	return textOf(newScrypt(scryptCost{int(n >> 16), int(n >> 8 & 0xff), int(n & 0xff)}, salt, key))
}

// fromSpringPBKDF2 reads the hexadecimal digits of salt and key. The other parameters are Spring's defaults.
func fromSpringPBKDF2(kind string, iterations, salt int, text string) (string, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) < salt {
		return "", refuse("it is not the hexadecimal digits of salt and key")
	}
	return textOf(newPBKDF2(kind, iterations, b[:salt], b[salt:]))
}
