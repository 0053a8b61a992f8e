package doors

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// prover holds a key, and proves that it does (RFC 9449). Several goroutines may use it.
type prover struct {
	key   *ecdsa.PrivateKey
	mu    sync.Mutex
	nonce string // the last that came
}

// newProver returns a holder of a new key.
func newProver(t testing.TB) *prover {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &prover{key: key}
}

// proof returns a proof for a request with the access token, or without one if token is "".
func (p *prover) proof(t testing.TB, method, uri, token string) string {
	t.Helper()
	uri, _, _ = strings.Cut(uri, "?")
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": uri, "iat": time.Now().Unix()}
	p.mu.Lock()
	claims["nonce"] = p.nonce
	p.mu.Unlock()
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return vouchsafetest.Sign(t, jose.ES256, p.key, map[jose.HeaderKey]any{"typ": "dpop+jwt",
		"jwk": jose.JSONWebKey{Key: p.key.Public()}}, claims)
}

// posts posts a form to the token endpoint with a proof, and once more if the answer has a nonce for it.
func (p *prover) posts(t testing.TB, a *vouchsafetest.API, form url.Values) *vouchsafetest.Reply {
	t.Helper()
	for range 2 {
		r := a.Form(t, "/token", form, func(req *http.Request) {
			req.Header.Set("DPoP", p.proof(t, req.Method, req.URL.String(), ""))
		})
		p.mu.Lock()
		if nonce := r.Header.Get("DPoP-Nonce"); nonce != "" {
			p.nonce = nonce
		}
		p.mu.Unlock()
		if r.Error() != "use_dpop_nonce" {
			return r
		}
	}
	t.Fatal("the token endpoint wants another nonce than the one that it has just given")
	return nil
}
