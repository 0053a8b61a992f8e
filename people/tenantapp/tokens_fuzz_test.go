package tenantapp

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzToken reads tokens: only what was signed here is believed, to the letter.
func FuzzToken(f *testing.F) {
	key := []byte("the key of a session")
	good, err := sign(key, UserClaims{ID: "u", Login: "t:jo", Scope: json.RawMessage(`{"<":["&"]}`), JTI: "j"})
	if err != nil {
		f.Fatal(err)
	}
	for _, token := range []string{good, good + "=", good[:len(good)-1], "..", header + ".", header + "e30.", "",
		strings.ToLower(good), good + "\n", "eyJhbGciOiJub25lIn0.e30."} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		var c UserClaims
		u, ok := read(token, &c)
		if ok && u.by([]byte("another key"), key) != (token == good) {
			t.Errorf("%q is believed", token)
		}
		if token == good && (!ok || c.Login != "t:jo" || string(c.Scope) != `{"<":["&"]}`) {
			t.Errorf("got %+v", c)
		}
	})
}
