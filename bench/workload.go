package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// platformKey signs the tokens of the workload.
var platformKey, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)

// workloadKeys returns the key set of the platform whose tokens authenticate the client job.
func workloadKeys() string {
	key := jose.JSONWebKey{Key: platformKey.Public(), KeyID: "1", Use: "sig"}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
	if err != nil {
		panic(err)
	}
	return string(set)
}

// workloadTokens are the tokens of the workload by issuer. They are signed once: the work of the platform is not
// measured.
var workloadTokens sync.Map

// workloadToken returns a token of the workload for the issuer.
func workloadToken(issuer string) (string, error) {
	if token, ok := workloadTokens.Load(issuer); ok {
		return token.(string), nil
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: platformKey},
		&jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"kid": "1"}})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"iss": "https://platform.example", "sub": "job", "aud": issuer,
		"exp": time.Now().Add(12 * time.Hour).Unix()})
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", err
	}
	token, err := signed.CompactSerialize()
	workloadTokens.Store(issuer, token)
	return token, err
}
