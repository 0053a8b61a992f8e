package threats

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// guises returns the forms in which a secret may appear: as it is, in hex, base64 and
// percent-encoding, and the bytes that it encodes, if it encodes any.
func guises(secret string) map[string]string {
	out := map[string]string{"as it is": secret}
	add := func(name, text string) {
		if len(text) >= 8 {
			out[name] = text
		}
	}
	// The end of a token makes it valid: its signature or MAC.
	if i := strings.LastIndex(secret, "."); i >= 0 && len(secret)-i > 20 {
		add("its end", secret[i+1:])
	}
	add("in hex", hex.EncodeToString([]byte(secret)))
	add("in upper hex", strings.ToUpper(hex.EncodeToString([]byte(secret))))
	add("percent-encoded", url.QueryEscape(secret))
	add("as part of a path", url.PathEscape(secret))
	if text, err := json.Marshal(secret); err == nil {
		add("as JSON", strings.Trim(string(text), `"`))
	}
	for shift := range 3 { // at which offset it may begin
		for name, encoding := range map[string]*base64.Encoding{"in base64": base64.RawStdEncoding,
			"in base64url": base64.RawURLEncoding} {
			text := encoding.EncodeToString([]byte(strings.Repeat(".", shift) + secret))
			if from, to := []int{0, 2, 3}[shift], len(text)-2; to-from >= 8 { // the ends depend on the neighbours
				add(name+strings.Repeat("'", shift), text[from:to])
			}
		}
	}
	raws := map[string][]byte{}
	if raw, err := base64.RawURLEncoding.DecodeString(secret); err == nil {
		raws["its bytes"] = raw
	}
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret); err == nil {
		raws["its base32"] = raw
	}
	for name, raw := range raws {
		if len(raw) < 12 { // fewer may occur by chance
			continue
		}
		add(name, string(raw))
		add(name+" in hex", hex.EncodeToString(raw))
		add(name+" in base64", strings.TrimRight(base64.StdEncoding.EncodeToString(raw), "="))
	}
	return out
}

// head is how much of a form is compared at each place of a text before all of it is: there are
// thousands of forms, and megabytes of text. No secret is shorter.
const head = 6

// sightings returns the secrets that occur in the text, and in which form.
func sightings(secrets map[string]string, text string) []string {
	type sought struct{ guise, seen string }
	begin := map[string][]sought{}
	for name, secret := range secrets {
		for how, guise := range guises(secret) {
			begin[guise[:head]] = append(begin[guise[:head]], sought{guise, name + " " + how})
		}
	}
	seen := map[string]bool{}
	for i := range len(text) - head + 1 {
		for _, s := range begin[text[i:i+head]] {
			if !seen[s.seen] && strings.HasPrefix(text[i:], s.guise) && !byChance(text, i, s.guise) {
				seen[s.seen] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// byChance reports whether eight digits were found amid a longer number, or in a request id. Codes are eight digits,
// and the log and the answers have thousands of request ids and fractions of a second.
func byChance(text string, at int, guise string) bool {
	const digits = "0123456789"
	if len(guise) != 8 || strings.Trim(guise, digits) != "" {
		return false
	}
	before, after := text[:at], text[at+len(guise):]
	around := func(of string) int {
		return len(before) - len(strings.TrimRight(before, of)) + len(after) - len(strings.TrimLeft(after, of))
	}
	return around(digits) > 0 || around(digits+"abcdef") >= 4
}

// TestDigitsAreSeenAlone: a code counts as seen unless it is part of a longer number or of a request id.
func TestDigitsAreSeenAlone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`"code":"12345678"`: true, "code=12345678&x": true, "code12345678": true, "12345678": true,
		"2026-11-30T10:59:46.12345678Z": true, "2026-11-30T10:59:46.123456789Z": false, "0.912345678Z": false,
		"01a22c1c-5d7a-76b6-907b-8b12345678a1": false, "01a22c1c-5d7a-76b6-907b-12345678ad0e": false,
	} {
		if got := len(sightings(map[string]string{"code": "12345678"}, text)) > 0; got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

// TestSightings hides a secret in every form that is searched for.
func TestSightings(t *testing.T) {
	for _, secret := range []string{"correct horse battery staple", rand.Text(), "grant.1." + rand.Text(),
		"aGVsbG8td29ybGQtaGVsbG8"} {
		texts := map[string]string{"end": secret[strings.LastIndex(secret, ".")+1:],
			"hex": hex.EncodeToString([]byte("x" + secret + "y")), "query": "?a=" + url.QueryEscape(secret) + "&b"}
		for before := range 6 {
			inside := []byte(strings.Repeat("x", before) + secret + "yy")
			texts["base64 behind "+strings.Repeat("x", before)] = base64.StdEncoding.EncodeToString(inside)
			texts["base64url behind "+strings.Repeat("x", before)] = base64.RawURLEncoding.EncodeToString(inside)
		}
		if raw, err := base64.RawURLEncoding.DecodeString(secret); err == nil {
			texts["bytes"], texts["hex of bytes"] = "x"+string(raw)+"y", hex.EncodeToString(raw)
		}
		for how, text := range texts {
			if len(sightings(map[string]string{"secret": secret}, text)) == 0 {
				t.Errorf("%q is not seen as %s in %q", secret, how, text)
			}
		}
		if seen := sightings(map[string]string{"secret": secret}, "nothing of the kind, "+rand.Text()); len(seen) > 0 {
			t.Errorf("%q is seen where it is not: %v", secret, seen)
		}
	}
}
