package clients

import "testing"

func TestSecretsThatAreStoredAreNotHashedAgain(t *testing.T) {
	_, hash := NewSecret()
	d := Declared{Secrets: []string{"first-secret-of-mine", "second-secret-of-mine"}, Hashes: []string{hash}}
	changed, err := d.hash(nil)
	if err != nil || !changed || len(d.SecretHashes) != 3 || d.SecretHashes[2] != hash ||
		!MatchSecret(d.SecretHashes[0], "first-secret-of-mine") || !MatchSecret(d.SecretHashes[1], "second-secret-of-mine") {
		t.Errorf("secrets: got %v, %v, %v", changed, err, d.SecretHashes)
	}
	if changed, err := d.hash(d.SecretHashes); err != nil || changed {
		t.Errorf("the same secrets again: got %v, %v", changed, err)
	}
}
