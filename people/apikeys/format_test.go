package apikeys

import (
	"regexp"
	"strings"
	"testing"
)

// TestKeysAreFoundOffline makes keys that the documented expression finds, and knows one by its documented checksum.
// Keys without one, as GitLab's were, fill scanners with noise.
func TestKeysAreFoundOffline(t *testing.T) {
	scanner, seen := regexp.MustCompile(`^vs_(user|service)_[0-9A-Za-z]{36}$`), map[string]bool{}
	for i := range 200 {
		key := NewSecret(i%2 == 0)
		if !scanner.MatchString(key) || !IsKey(key) || isOfClient(key) != (i%2 == 0) || seen[key] {
			t.Fatalf("got %q", key)
		}
		seen[key] = true
		if start := startOf(key); !strings.HasPrefix(key, start) || len(key)-len(start) < 30 {
			t.Errorf("a list shows %q of %q", start, key)
		}
	}
	const known = "vs_user_0123456789ABCDEFGHIJKLMNOPQRST"
	if got := checksum(known); got != "2FEdxT" {
		t.Errorf("the checksum of %s is %s", known, got)
	}
}

// TestWhatIsNoKey asks about values that differ from a key.
func TestWhatIsNoKey(t *testing.T) {
	key := NewSecret(false)
	for i := range key {
		for _, c := range []byte{'0', 'z', '_', ' ', 0xff} {
			if other := key[:i] + string([]byte{c}) + key[i+1:]; other != key && IsKey(other) {
				t.Errorf("%q is taken for a key", other)
			}
		}
	}
	for _, other := range []string{
		"", "vs_", "vs_user_", key[:len(key)-1], key + "0", " " + key, key + "\n", strings.ToLower(key),
		strings.Replace(key, userPrefix, servicePrefix, 1), // the checksum covers the kind
		strings.Replace(key, userPrefix, "vs_admin_", 1),
	} {
		if IsKey(other) {
			t.Errorf("%q is taken for a key", other)
		}
	}
}

// FuzzIsKey has any value judged: what is taken for a key is found by the documented expression.
func FuzzIsKey(f *testing.F) {
	f.Add(NewSecret(false))
	f.Add(NewSecret(true))
	f.Add("vs_user_")
	scanner := regexp.MustCompile(`^vs_(user|service)_[0-9A-Za-z]{36}$`)
	f.Fuzz(func(t *testing.T, value string) {
		if IsKey(value) && !scanner.MatchString(value) {
			t.Errorf("%q is taken for a key", value)
		}
	})
}
