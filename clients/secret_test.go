package clients

import (
	"strings"
	"testing"
)

func TestClientSecrets(t *testing.T) {
	t.Parallel()
	made, hash := NewSecret()
	if len(made) != 47 || !strings.HasPrefix(made, "vcs_") || !strings.HasPrefix(hash, "sha256$") ||
		strings.Contains(hash, made[4:]) {
		t.Errorf("made %q, kept %q", made, hash)
	}
	if !MatchSecret(hash, made) || MatchSecret(hash, made[:46]) || MatchSecret(hash, "") || MatchSecret("", made) ||
		MatchSecret("sha256$", "") {
		t.Error("a made secret matches its own hash, and nothing else does")
	}
	if again, err := HashSecret(made); err != nil || again != hash {
		t.Errorf("the hash of a made secret: got %q, %v; want the same", again, err)
	}
	chosen := "correct horse battery"
	slow, err := HashSecret(chosen)
	if err != nil || !strings.HasPrefix(slow, "$argon2id$") {
		t.Fatalf("got %q, %v; want an Argon2id hash", slow, err)
	}
	if !MatchSecret(slow, chosen) || MatchSecret(slow, chosen+"x") {
		t.Error("a chosen secret matches its own hash, and nothing else does")
	}
	for _, bad := range []string{"", "short", strings.Repeat("x", 2000), "sixteen bytes \xff\xff"} {
		if hash, err := HashSecret(bad); err == nil {
			t.Errorf("%.20q: got %q, want an error", bad, hash)
		}
	}
}
