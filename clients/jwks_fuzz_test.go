package clients

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/vouchsafe/vouchsafe/internal/testkeys"
)

// FuzzClientKeys: of any document come public keys alone, each fit for its purpose, and
// the same when it is written and read again (F4).
func FuzzClientKeys(f *testing.F) {
	for _, doc := range []string{
		`{"keys":[]}`, `{"keys":[{"kty":"oct","k":"AA"}]}`, `{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"}]}`,
		`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`,
		`{"keys":[{"kty":"OKP","crv":"X25519","x":"AA"}]}`,
		`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB","d":"AQ"}]}`, `{"keys":[null,1,[]]}`,
		`{"keys":[{"kty":"RSA","x5c":["AA"],"x5u":"http://169.254.169.254/"}]}`,
		`{"keys":[{"kty":"RSA","n":"` + strings.Repeat("_", 1366) + `","e":"AQAB"}]}`, `{"KEYS":[{"KTY":"EC"}]}`,
	} {
		f.Add([]byte(doc))
	}
	f.Add([]byte(`{"keys":[` + testkeys.JWK(f, "a") + `,` + testkeys.JWK(f, "b") + `]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		_ = jwksFaults(doc)
		keys, bad, err := ParseJWKS(doc)
		if err != nil {
			return
		}
		if len(keys)+len(bad) > MaxKeys {
			t.Errorf("%d keys", len(keys)+len(bad))
		}
		for _, key := range keys {
			if !key.IsPublic() || !key.Valid() {
				t.Errorf("%+v was taken", key)
			}
			raw, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
			if err != nil {
				t.Fatal(err)
			}
			again, bad, err := ParseJWKS(raw)
			if err != nil || len(bad) > 0 || len(again) != 1 || again[0].KeyID != key.KeyID {
				t.Errorf("%s: got %v, %v", raw, bad, err)
			}
		}
	})
}
