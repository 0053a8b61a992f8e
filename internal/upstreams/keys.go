package upstreams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/internal/jws"
)

// pause is how long the provider is not asked again after a look that did not bring the key that
// was wanted: an attacker who makes up key ids must not have it asked each time.
const pause = 10 * time.Second

// signed are the algorithms of ID tokens that are read, when the provider names them: those
// that are verified with a public key.
var signed = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}

// errKeys says that the keys could not be read.
var errKeys = errors.New("the keys could not be read")

// keySet is a provider's JWK set. It implements oidc.KeySet.
type keySet struct {
	http    *http.Client
	address string
	algs    []jose.SignatureAlgorithm

	turn chan struct{} // held by the request that looks
	at   time.Time     // of the last look that brought keys
	vain time.Time     // of the last one that did not bring what was wanted
	err  error         // that it ended with
	keys []jose.JSONWebKey
}

// newKeySet returns the keys at an address, which are fetched when the first is needed. named are the algorithms that
// the provider names; those with a shared key are left out.
func newKeySet(c *http.Client, address string, named []string) *keySet {
	k := &keySet{http: c, address: address, turn: make(chan struct{}, 1)}
	for _, alg := range signed {
		if slices.Contains(named, string(alg)) {
			k.algs = append(k.algs, alg)
		}
	}
	if len(k.algs) == 0 {
		k.algs = []jose.SignatureAlgorithm{jose.RS256} // OIDC Discovery 3: every provider has it
	}
	return k
}

// VerifySignature returns the payload of a JWS that one of the keys has signed. The error wraps
// errKeys when that could not be found out.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	if _, err := jws.Signed(token); err != nil {
		return nil, err
	}
	parsed, err := jose.ParseSignedCompact(token, k.algs)
	if err != nil {
		return nil, errors.New("not signed by an algorithm that the provider names")
	}
	kid := parsed.Signatures[0].Protected.KeyID
	keys, err := k.named(ctx, kid)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if payload, err := parsed.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("signed by none of the provider's keys")
}

// named returns the keys of that id; all for none. Ids that are not known are looked for, but
// not more often than every pause.
func (k *keySet) named(ctx context.Context, kid string) ([]jose.JSONWebKey, error) {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errKeys, ctx.Err())
	}
	found := k.find(kid)
	if len(found) > 0 && time.Since(k.at) < keepFound || time.Since(k.vain) < pause {
		if len(found) > 0 {
			return found, nil
		}
		return nil, k.err
	}
	keys, err := k.look(context.WithoutCancel(ctx))
	if err == nil {
		k.at, k.keys = time.Now(), keys
		found = k.find(kid)
	}
	if err != nil || len(found) == 0 {
		k.vain, k.err = time.Now(), err
	}
	if len(found) > 0 { // it may be known although there is no newer word of it
		return found, nil
	}
	return nil, err
}

// find returns the keys that may have signed a token: those with the kid, or all if the token names none.
func (k *keySet) find(kid string) []jose.JSONWebKey {
	var found []jose.JSONWebKey
	for _, key := range k.keys {
		if kid == "" || key.KeyID == kid {
			found = append(found, key)
		}
	}
	return found
}

// look reads the set, without what is in it and is no key to verify with.
func (k *keySet) look(ctx context.Context) ([]jose.JSONWebKey, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.address, nil)
	if err != nil {
		return nil, errKeys
	}
	resp, err := k.http.Do(req)
	if err != nil {
		return nil, errKeys // which may quote the address
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d", errKeys, resp.StatusCode)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, errKeys
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		// One of a kind that is not known here is no reason to do without the others (RFC
		// 7517 section 5).
		if err := json.Unmarshal(raw, &key); err == nil && key.Valid() && key.IsPublic() && key.Use != "enc" {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
