package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// push pushes an authorization request (RFC 9126).
func push(w *worker) error {
	_, _, err := w.push()
	return err
}

// push returns the path with which the browser goes on, with the verifier of the request that was pushed.
func (w *worker) push() (path, verifier string, err error) {
	path, verifier, _ = w.request("openid profile")
	_, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", "", err
	}
	values.Set("state", "pushed")
	req, err := form(w.issuer, "/par", "web", webSecret, values)
	if err != nil {
		return "", "", err
	}
	res, body, err := w.do(req)
	if err := expect(res, body, err, http.StatusCreated, "request_uri"); err != nil {
		return "", "", err
	}
	var pushed struct {
		URI string `json:"request_uri"`
	}
	err = json.Unmarshal(body, &pushed)
	return "/authorize?" + url.Values{"client_id": {"web"}, "request_uri": {pushed.URI}}.Encode(), verifier, err
}

// authorizePushed is authorize with a pushed request.
func authorizePushed(w *worker) error {
	path, verifier, err := w.push()
	if err != nil {
		return err
	}
	location, _, err := w.get(path)
	if err != nil {
		return err
	}
	_, err = w.redeem(location, verifier, "pushed")
	return err
}

// boundCredentials gets an access token that is bound to a key (RFC 9449).
func boundCredentials(w *worker) error {
	req, err := form(w.issuer, "/token", "service", serviceSecret,
		url.Values{"grant_type": {"client_credentials"}, "scope": {"reports"}})
	if err != nil {
		return err
	}
	proof, err := w.proof(http.MethodPost, w.issuer+"/token")
	if err != nil {
		return err
	}
	req.Header.Set("DPoP", proof)
	res, body, err := w.do(req)
	if err == nil && res.Header.Get("DPoP-Nonce") != "" {
		w.state["nonce"] = res.Header.Get("DPoP-Nonce")
	}
	if err == nil && res.StatusCode == http.StatusBadRequest && strings.Contains(string(body), "use_dpop_nonce") {
		return boundCredentials(w)
	}
	return expect(res, body, err, http.StatusOK, `"DPoP"`)
}

// proverKey signs all proofs: the work of the client is not measured.
var proverKey, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)

// proof returns a proof of possession for a request.
func (w *worker) proof(method, address string) (string, error) {
	public, err := proverKey.PublicKey.Bytes()
	if err != nil {
		return "", err
	}
	enc := base64.RawURLEncoding.EncodeToString
	header, err := json.Marshal(map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": map[string]string{
		"kty": "EC", "crv": "P-256", "x": enc(public[1:33]), "y": enc(public[33:])}})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"jti": rand.Text(), "htm": method, "htu": address,
		"iat": time.Now().Unix(), "nonce": w.state["nonce"]})
	if err != nil {
		return "", err
	}
	signed := enc(header) + "." + enc(claims)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, proverKey, sum[:])
	if err != nil {
		return "", err
	}
	return signed + "." + enc(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)), nil
}
