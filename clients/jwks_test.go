package clients

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/internal/testkeys"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestWeakKeysAreRefused(t *testing.T) {
	t.Parallel()
	good, other := testkeys.JWK(t, "a"), testkeys.JWK(t, "b")
	b64 := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	rsaJWK := func(bits int, e int64) string {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		return fmt.Sprintf(`{"kty":"RSA","kid":"r","n":%q,"e":%q}`, b64(n.Add(n, big.NewInt(1)).Bytes()),
			b64(big.NewInt(e).Bytes()))
	}
	tests := map[string]struct {
		keys string
		want bool
	}{
		"one":             {good, true},
		"two":             {good + "," + other, true},
		"RSA 2048":        {rsaJWK(2048, 65537), true},
		"RSA 1024":        {rsaJWK(1024, 65537), false},
		"RSA 512":         {rsaJWK(512, 65537), false},
		"RSA 16384":       {rsaJWK(16384, 65537), false},
		"RSA e=1":         {rsaJWK(2048, 1), false},
		"RSA e=2":         {rsaJWK(2048, 2), false},
		"same key twice":  {good + "," + strings.Replace(good, `"a"`, `"c"`, 1), false},
		"same kid twice":  {good + "," + strings.Replace(other, `"b"`, `"a"`, 1), false},
		"several, no kid": {good + "," + strings.Replace(other, `"kid":"b",`, "", 1), false},
		"one, no kid":     {strings.Replace(good, `"kid":"a",`, "", 1), true},
		"private":         {strings.Replace(good, `{`, `{"d":"AAAA",`, 1), false},
		"shared":          {`{"kty":"oct","kid":"s","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, false},
		"not on the curve": {`{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE",` +
			`"y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}`, false},
		"alg none":            {strings.Replace(good, `{`, `{"alg":"none",`, 1), false},
		"alg HS256":           {strings.Replace(good, `{`, `{"alg":"HS256",`, 1), false},
		"unknown kind":        {`{"kty":"XX"}`, false},
		"only for encryption": {strings.Replace(good, `{`, `{"use":"enc",`, 1), false},
		"no object":           {`"x"`, false},
		"none":                {``, false},
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	okp, err := json.Marshal(jose.JSONWebKey{Key: ed.Public(), KeyID: "e"})
	if err != nil {
		t.Fatal(err)
	}
	tests["Ed25519"] = struct {
		keys string
		want bool
	}{string(okp), true}
	whole, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	leaked, err := json.Marshal(jose.JSONWebKey{Key: whole, KeyID: "p"})
	if err != nil {
		t.Fatal(err)
	}
	tests["private RSA"] = struct {
		keys string
		want bool
	}{string(leaked), false}
	for name, tt := range tests {
		c := webClient(func(c *storage.Client) {
			c.TokenEndpointAuthMethod, c.JWKS = "private_key_jwt", []byte(`{"keys":[`+tt.keys+`]}`)
		})
		if faults := Validate(c); (len(faults) == 0) != tt.want {
			t.Errorf("%s: got %v, want accepted %v", name, faults, tt.want)
		}
	}
	for _, raw := range []string{`[]`, `{}`, `x`, `{"keys":{}}`,
		`{"keys":[` + strings.Repeat(good+",", 40) + good + `]}`} {
		c := webClient(func(c *storage.Client) { c.TokenEndpointAuthMethod, c.JWKS = "private_key_jwt", []byte(raw) })
		if faults := Validate(c); len(faults) == 0 {
			t.Errorf("%.20s: got no fault", raw)
		}
	}
}
