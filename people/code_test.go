package people

import (
	"strings"
	"testing"
)

func TestCodesAreStoredWithoutWhatTheirMailsHold(t *testing.T) {
	t.Parallel()
	s := withSecrets(t)
	code, err := s.NewCode(*askerAt("default"), "reset", "target", "user",
		map[string]string{"Login": "jo@example.com"}, CodeLife)
	if err != nil {
		t.Fatal(err)
	}
	flow, link, _ := strings.Cut(code.Token, ".")
	if flow != code.ID || len(link) != 43 || len(code.Digits) != 8 {
		t.Errorf("got a token of %d characters, digits %q", len(code.Token), code.Digits)
	}
	for _, stored := range [][]byte{code.CodeHash, code.LinkHash, code.Data} {
		for _, secret := range []string{link, code.Digits, "example.com"} {
			if strings.Contains(string(stored), secret) {
				t.Error("stored in clear")
			}
		}
	}
}
