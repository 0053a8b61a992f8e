package threats

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func keyRows() []row {
	return []row{
		{"F6 keys are rotated", f6},
		{"F7 another Host", f7},
		{"F8 weak client keys", f8},
	}
}

// residentKB returns the memory of a process.
func residentKB(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb
}

func f6(t *testing.T, s *vouchsafetest.Server) {
	own := vouchsafetest.Start(t, vouchsafetest.Options{Production: s.Database != ""})
	b, api := jo(t, own), own.API(t)
	before := tokens(t, own, b, vouchsafetest.NewRequest(web))
	old := api.Keys(t)

	// Tokens are issued and used while the keys change. None may fail.
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		api := own.API(t)
		for {
			select {
			case <-stop:
				return
			default:
			}
			reply := api.Token(t, vouchsafetest.Service, "grant_type", "client_credentials")
			if reply.Status != http.StatusOK {
				t.Errorf("while keys are rotated: got %d %s", reply.Status, reply.Raw)
				return
			}
			api.AccessToken(t, vouchsafetest.Service, reply.Access())
		}
	})
	own.Command(t, "", "key", "rotate")
	time.Sleep(noticed)
	own.Command(t, "", "key", "rotate")
	time.Sleep(noticed)
	close(stop)
	wg.Wait()

	now := api.Keys(t)
	if len(now.Keys) <= len(old.Keys) {
		t.Errorf("got %d keys, and %d after two rotations", len(old.Keys), len(now.Keys))
	}
	for _, k := range old.Keys {
		if len(now.Key(k.KeyID)) != 1 {
			t.Errorf("key %s is not published any more, though what it signed is still good", k.KeyID)
		}
	}
	wantAlive(t, own, before)
	api.IDToken(t, web, nil, before) // verified by an old key
	a := b.Authorize(t, vouchsafetest.NewRequest(web, "prompt", "none", "id_token_hint", before.ID()))
	if a.Code() == "" {
		t.Errorf("a hint by an old key: got %v, want a code", a.Params)
	}
	api.Renew(t, web, before.Refresh()).Want(t, 200, "")
	for _, k := range now.Keys {
		if !k.IsPublic() {
			t.Errorf("key %s is published with its private half", k.KeyID)
		}
	}
}

func f7(t *testing.T, s *vouchsafetest.Server) {
	api := s.API(t)
	for _, path := range []string{"/.well-known/openid-configuration", "/jwks",
		"/authorize?client_id=web", "/login", "/token"} {
		for _, host := range []string{"evil.example", "localhost.evil.example", "localhost", "127.0.0.1", "localhost:1",
			strings.TrimPrefix(strings.TrimPrefix(s.Issuer, "http://"), "https://") + ".evil.example"} {
			req := api.Request(t, http.MethodGet, path, "", "")
			req.Host = host
			reply := api.Do(t, req)
			if reply.Status != http.StatusMisdirectedRequest && reply.Status != http.StatusNotFound &&
				reply.Status != http.StatusBadRequest {
				t.Errorf("%s with Host %s: got %d, want 421", path, host, reply.Status)
			}
			if strings.Contains(reply.Header.Get("Location"), "evil") {
				t.Errorf("%s with Host %s: sent to %s", path, host, reply.Header.Get("Location"))
			}
		}
	}
	req := api.Request(t, http.MethodGet, "/.well-known/openid-configuration", "", "")
	for k, v := range map[string]string{
		"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil.example;proto=http",
		"X-Original-URL": "/metrics", "X-Rewrite-URL": "/metrics", "X-Forwarded-Prefix": "/evil", "X-Forwarded-Port": "1",
	} {
		req.Header.Set(k, v)
	}
	reply := api.Do(t, req)
	if reply.String("issuer") != s.Issuer || strings.Contains(reply.Raw, "evil") {
		t.Errorf("got %s, want the issuer that was configured", reply.Raw)
	}
	if reply := api.Do(t, api.Request(t, http.MethodGet, "/.well-known/openid-configuration/", "",
		"")); vouchsafetest.Leads(reply.Status, reply.Header) != "/.well-known/openid-configuration" {
		t.Errorf("with a slash too many: got %d to %q, want to the same without", reply.Status, reply.Header.Get("Location"))
	}
	for _, path := range []string{"/.well-known/openid-configuration/evil", "/evil/.well-known/openid-configuration",
		"/t/default/.well-known/openid-configuration", "/t/nobody/.well-known/openid-configuration"} {
		if reply := api.Do(t, api.Request(t, http.MethodGet, path, "", "")); reply.Status != http.StatusNotFound {
			t.Errorf("%s: got %d %s, want 404", path, reply.Status, reply.Raw)
		}
	}
}

func f8(t *testing.T, s *vouchsafetest.Server) {
	enc := base64.RawURLEncoding.EncodeToString
	modulus := func(bits int) *big.Int {
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits)))
		if err != nil {
			t.Fatal(err)
		}
		return n.SetBit(n, bits-1, 1).SetBit(n, 0, 1)
	}
	rsaJWK := func(bits int, e []byte) map[string]any {
		return map[string]any{"kty": "RSA", "kid": "k", "alg": "RS256", "use": "sig",
			"n": enc(modulus(bits).Bytes()), "e": enc(e)}
	}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ed := map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": "k", "alg": "EdDSA", "use": "sig", "x": enc(public)}
	private := maps.Clone(vouchsafetest.KeySet(key, "k", "RS256")["keys"].([]any)[0].(map[string]any))
	private["d"] = enc(key.D.Bytes())
	var evil []vouchsafetest.Client
	for name, keys := range map[string][]any{
		"rsa-512": {rsaJWK(512, []byte{1, 0, 1})}, "rsa-1024": {rsaJWK(1024, []byte{1, 0, 1})},
		"rsa-2047": {rsaJWK(2047, []byte{1, 0, 1})},
		"rsa-e1":   {rsaJWK(2048, []byte{1})}, "rsa-e2": {rsaJWK(2048, []byte{2})},
		"symmetric": {map[string]any{"kty": "oct", "kid": "k", "k": enc([]byte("secret-secret-secret-secret-1234"))}},
		"twice":     {ed, ed}, "none": {}, "private": {private},
		"off-curve": {map[string]any{"kty": "EC", "crv": "P-256", "kid": "k", "x": enc(make([]byte, 32)),
			"y": enc(make([]byte, 32))}},
		"secp256k1": {map[string]any{"kty": "EC", "crv": "secp256k1", "kid": "k", "x": enc(make([]byte, 32)),
			"y": enc(make([]byte, 32))}},
		"short-ed": {map[string]any{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": enc(public[:31])}},
		"no-kty":   {map[string]any{"kid": "k"}},
	} {
		evil = append(evil, vouchsafetest.Service.With(vouchsafetest.Client{
			"client_id": "weak-" + name, "client_secret": nil, "token_endpoint_auth_method": "private_key_jwt",
			"jwks": map[string]any{"keys": keys},
		}))
	}
	evil = append(evil,
		vouchsafetest.Service.With(vouchsafetest.Client{"client_id": "weak-without-keys", "client_secret": nil,
			"token_endpoint_auth_method": "private_key_jwt"}),
		vouchsafetest.Service.With(vouchsafetest.Client{"client_id": "weak-hs256", "client_secret": nil,
			"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "HS256",
			"jwks": map[string]any{"keys": []any{ed}}}),
		vouchsafetest.Service.With(vouchsafetest.Client{"client_id": "weak-alg-none",
			"id_token_signed_response_alg": "none"}),
		vouchsafetest.Service.With(vouchsafetest.Client{"client_id": "weak-jwks-uri", "client_secret": nil,
			"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "file:///etc/passwd"}),
	)
	wantRefused(t, s, evil)
}
