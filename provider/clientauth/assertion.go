package clientauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// assertionLife is how far in the future exp may be. The jti must be remembered for that long.
	assertionLife = time.Hour
	// assertionSkew is how far clocks may differ. FAPI 2.0 section 5.3.2.1 demands at least 10 s
	// and at most 60 s.
	assertionSkew = 30 * time.Second
)

// assertion is a client assertion (RFC 7523 section 3) that is parsed and not verified.
type assertion struct {
	jws      *jose.JSONWebSignature
	workload bool // another than the client signed it

	Issuer    string            `json:"iss"`
	Subject   string            `json:"sub"`
	Audience  oauth.Audiences   `json:"aud"`
	JTI       string            `json:"jti"`
	ExpiresAt oauth.NumericDate `json:"exp"`
	NotBefore oauth.NumericDate `json:"nbf"`
	IssuedAt  oauth.NumericDate `json:"iat"`
}

// readAssertion parses the assertion of a request. It does not verify it.
func readAssertion(form url.Values) (*assertion, error) {
	typ := form.Get("client_assertion_type")
	if typ != assertionType && typ != spiffeType {
		return nil, errors.New("client_assertion_type is not " + assertionType)
	}
	a, err := parseAssertion(form.Get("client_assertion"), slices.Concat(ownTypes, workloadTypes))
	if err != nil {
		return nil, err
	}
	a.workload = typ == spiffeType || a.isWorkload(form)
	switch typ := jws.Type(a.jws); {
	case a.workload && !slices.Contains(workloadTypes, typ), !a.workload && !slices.Contains(ownTypes, typ):
		return nil, fmt.Errorf("typ %q", typ)
	case a.workload && form.Get("client_id") == "":
		return nil, errors.New("iss and sub are not the client's id, and there is no client_id")
	}
	return a, nil
}

// parseAssertion parses a JWT with one of the values of typ. Other JWTs that clients and platforms sign, such as
// request objects, DPoP proofs and access tokens, have other types.
func parseAssertion(token string, types []string) (*assertion, error) {
	parsed, err := jws.Parse(token, clients.AssertionAlgorithms)
	if err != nil {
		return nil, err
	}
	if typ := jws.Type(parsed); !slices.Contains(types, typ) {
		return nil, fmt.Errorf("typ %q", typ)
	}
	a := &assertion{jws: parsed}
	if err := json.Unmarshal(parsed.UnsafePayloadWithoutVerification(), a); err != nil {
		return nil, err
	}
	if a.Subject == "" || !storage.WellFormed(a.Subject+a.Issuer) {
		return nil, errors.New("sub is missing")
	}
	return a, nil
}

// checkAssertion returns nil if the client signed the assertion for this server and for now. It
// then spends the assertion. That comes last, so that only the client can spend it. Otherwise it
// returns an *authError or an error of storage.
func (a *Authenticator) checkAssertion(ctx context.Context, t *issuer.Tenant, c *storage.Client,
	signed *assertion, now time.Time,
) error {
	if err := signed.check(t, now); err != nil {
		return &authError{why: err.Error()}
	}
	if (c.NeedsProof() || c.FAPI2()) && !signed.isForIssuer(t) {
		return &authError{why: "aud of the assertion is not the issuer alone, as a text"}
	}
	// The client's document may be wrong or out of reach. Both are the client's fault, and storage is not involved.
	if err := a.Signed(ctx, c, signed.jws, c.TokenEndpointAuthSigningAlg); err != nil {
		return &authError{why: "assertion: " + err.Error()}
	}
	// The jti may have any length and content. Its hash is stored.
	sum := sha256.Sum256([]byte(signed.JTI))
	err := a.Store.Spend(ctx, storage.Spent{
		TenantID: t.ID, Purpose: storage.SpentAssertion,
		Value:     c.ClientID + ":" + base64.RawURLEncoding.EncodeToString(sum[:]),
		ExpiresAt: time.Unix(int64(math.Ceil(float64(signed.ExpiresAt))), 0).Add(assertionSkew),
	})
	if errors.Is(err, storage.ErrExists) {
		return &authError{why: "assertion used before"}
	}
	if err != nil {
		return fmt.Errorf("spend assertion: %w", err)
	}
	return nil
}

// check checks everything but the signature. The audience must be this server and nothing else: the
// issuer, as FAPI 2.0 and RFC 7523bis demand, or the token endpoint, as in OpenID Connect Core
// section 9, or the endpoint for pushed requests (RFC 9126 section 2). In a list each entry must be one
// of them, because another server in the list could use the assertion here.
func (a *assertion) check(t *issuer.Tenant, now time.Time) error {
	ours := []string{t.Issuer, t.URL("/token"), t.URL("/par")}
	foreign := func(aud string) bool { return !slices.Contains(ours, aud) }
	switch {
	case len(a.Audience) == 0 || slices.ContainsFunc(a.Audience, foreign):
		return errors.New("assertion for another audience")
	case a.JTI == "":
		return errors.New("assertion without jti")
	}
	return a.checkLife(assertionLife, now)
}

// checkLife returns an error unless the assertion is good now, and expires within that time.
func (a *assertion) checkLife(longest time.Duration, now time.Time) error {
	switch {
	case !a.ExpiresAt.After(now.Add(-assertionSkew)):
		return errors.New("assertion expired or without exp")
	case a.ExpiresAt.After(now.Add(longest + assertionSkew)):
		return errors.New("assertion expires too late")
	case a.NotBefore.After(now.Add(assertionSkew)):
		return errors.New("assertion not valid yet")
	case a.IssuedAt.After(now.Add(assertionSkew)):
		return errors.New("assertion from the future")
	}
	return nil
}

// isForIssuer reports whether aud is the issuer alone, and no list. FAPI 2.0 section 5.3.2.1 demands it, of clients
// whose tokens are all bound to a key.
func (a *assertion) isForIssuer(t *issuer.Tenant) bool {
	var claims struct {
		Audience string `json:"aud"`
	}
	return json.Unmarshal(a.jws.UnsafePayloadWithoutVerification(), &claims) == nil && claims.Audience == t.Issuer
}

// clientKeys returns the public keys of the client that may have the kid, or all keys if kid is "".
// They come from the client's record or from the document that it names. Keys without a kid match
// every kid.
func (a *Authenticator) clientKeys(ctx context.Context, c *storage.Client, kid string) ([]jose.JSONWebKey, error) {
	var keys []jose.JSONWebKey
	switch {
	case clients.HasJWKS(c):
		var err error
		if keys, _, err = clients.ParseJWKS(c.JWKS); err != nil {
			return nil, fmt.Errorf("jwks %w", err)
		}
	case c.JWKSURI != "":
		var err error
		if keys, err = a.remoteKeys.get(ctx, a.Fetch, c.TenantID+"\x00"+c.JWKSURI, c.JWKSURI, kid); err != nil {
			return nil, err
		}
	default:
		return nil, errors.New("the client has no keys")
	}
	return keysNamed(keys, kid), nil
}

// Signed returns nil if the client signed a JWT that it sent, by the algorithm want unless that is "". Any other error
// says what is wrong with the signature or the client's keys.
func (a *Authenticator) Signed(
	ctx context.Context, c *storage.Client, signed *jose.JSONWebSignature, want string,
) error {
	header := signed.Signatures[0].Protected
	if want != "" && !clients.SameAlgorithm(header.Algorithm, want) {
		return fmt.Errorf("signed by %s, and the client is registered for %s", header.Algorithm, want)
	}
	if c.FAPI2() && !slices.Contains(clients.FAPIAlgorithms, jose.SignatureAlgorithm(header.Algorithm)) {
		return fmt.Errorf("signed by %s, which FAPI 2.0 doesn't allow", header.Algorithm)
	}
	keys, err := a.clientKeys(ctx, c, header.KeyID)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if !clients.SignedByOne(signed, keys) {
		return errors.New("not signed by a key of the client")
	}
	return nil
}
