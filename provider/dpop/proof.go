package dpop

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Algorithms are those that may sign a proof: with a key pair, as a client's assertions.
var Algorithms = clients.AssertionAlgorithms

// proofHeader is the header DPoP in the form in which requests have it: to bring it into that form costs each request.
const proofHeader = "Dpop"

const (
	// maxProof bounds a proof, in bytes. One by the largest RSA key that is accepted has 3.5 KiB.
	maxProof = 4 << 10
	// maxJTI bounds the jti of a proof, in bytes.
	maxJTI = 256
	// oldest and newest bound iat. The nonce says how old a proof is; but FAPI 2.0 section 5.3.2.1 wants one that is
	// dated more than a minute ahead refused, and one of ten seconds accepted.
	oldest, newest = 5 * time.Minute, time.Minute
)

// Checker checks proofs. All exported fields are required, but for Alias.
type Checker struct {
	Secrets *secret.Masters
	// Store remembers which proofs were used.
	Store storage.SpentValues
	// Alias returns the URL at which a tenant's endpoints are besides the issuer (RFC 8705 section 5). Default: nowhere.
	Alias func(t *issuer.Tenant) string

	headers headers
}

// Proof is what a proof shows that was found to be right. The zero value is that of a request without a proof.
type Proof struct {
	// JKT is the thumbprint of the key (RFC 7638), by SHA-256 and in base64url; "" if there was no proof.
	JKT string

	jti   string
	until time.Time // when the proof is refused for its nonce
	text  string    // the proof itself
}

// Given reports whether there was a proof.
func (p Proof) Given() bool { return p.JKT != "" }

// proofClaims are the claims of a proof (RFC 9449 section 4.2).
type proofClaims struct {
	JTI       string            `json:"jti"`
	Method    string            `json:"htm"`
	URI       string            `json:"htu"`
	IssuedAt  oauth.NumericDate `json:"iat"`
	NotBefore oauth.NumericDate `json:"nbf"`
	ExpiresAt oauth.NumericDate `json:"exp"`
	TokenHash string            `json:"ath"`
	Nonce     string            `json:"nonce"`
}

// Read returns what the proof of the request shows, and the zero Proof if there is none. The access token that the
// request brings, if it brings one, must be the one that the proof is about. The proof is not spent.
//
// The errors are oauth.ErrInvalidDPoPProof and oauth.ErrUseDPoPNonce. The answer gets the header DPoP-Nonce unless the
// proof has the current nonce.
func (c *Checker) Read(r *http.Request, token string) (Proof, error) {
	values := r.Header[proofHeader]
	if len(values) == 0 {
		return Proof{}, nil
	}
	ctx, now := r.Context(), time.Now()
	box := c.Secrets.Box(web.TenantOf(ctx).ID, secret.DPoPNonce)
	claims, jkt, err := c.parse(values)
	if current := nonceAt(box, now); err != nil || claims.Nonce != current {
		web.SetHeader(ctx, "DPoP-Nonce", current)
	}
	if err == nil {
		err = claims.check(r, c.aliasOf(r), token, now)
	}
	if err != nil {
		return Proof{}, invalid(ctx, err)
	}
	until, err := openNonce(box, claims.Nonce, now)
	if err != nil {
		return Proof{}, oauth.ErrUseDPoPNonce
	}
	return Proof{JKT: jkt, jti: claims.JTI, until: until, text: values[0]}, nil
}

// AllowedFor returns oauth.ErrInvalidDPoPProof if the client is held to FAPI 2.0, and the proof is signed by an
// algorithm that it forbids (section 5.4.1).
func (p Proof) AllowedFor(c *storage.Client) error {
	if !c.FAPI2() || !p.Given() {
		return nil
	}
	if _, err := jws.Parse(p.text, clients.FAPIAlgorithms); err != nil {
		return oauth.ErrInvalidDPoPProof.WithDescription("The proof is signed by an algorithm that FAPI 2.0 doesn't allow.")
	}
	return nil
}

// aliasOf returns the URL that a proof may name in the place of the issuer; "" for none.
func (c *Checker) aliasOf(r *http.Request) string {
	if c.Alias == nil {
		return ""
	}
	return c.Alias(web.TenantOf(r.Context()))
}

// Spend uses the proof up, once. It returns oauth.ErrInvalidDPoPProof if another request used it before, and nil for
// the zero Proof. The database decides, so that replicas agree, also while the memory that they share is away.
func (c *Checker) Spend(ctx context.Context, p Proof) error {
	if !p.Given() {
		return nil
	}
	err := c.Store.Spend(ctx, storage.Spent{
		TenantID: web.TenantOf(ctx).ID, Purpose: storage.SpentProof, Value: p.JKT + ":" + p.jti, ExpiresAt: p.until,
	})
	if errors.Is(err, storage.ErrExists) {
		return invalid(ctx, errors.New("it was used before: make a proof with another jti for each request"))
	}
	if err != nil {
		return fmt.Errorf("spend proof: %w", err)
	}
	return nil
}

// invalid returns the error for a proof that is wrong.
func invalid(ctx context.Context, err error) error {
	web.Note(ctx, "why", "proof: "+err.Error())
	return oauth.ErrInvalidDPoPProof.WithDescription("The DPoP proof isn't valid: " + err.Error() + ".")
}

// parse reads the header DPoP and verifies the signature of the proof. It returns its claims, and the thumbprint of
// its key (RFC 9449 section 4.3). What it returns with an error means nothing.
func (c *Checker) parse(values []string) (claims proofClaims, jkt string, err error) {
	switch {
	case len(values) > 1:
		return claims, "", errors.New("there is more than one header DPoP")
	case len(values[0]) > maxProof:
		return claims, "", fmt.Errorf("it has %d bytes, more than %d", len(values[0]), maxProof)
	}
	payload, jkt, ok := c.headers.verify(values[0])
	if !ok {
		if payload, jkt, err = c.headers.read(values[0]); err != nil {
			return claims, "", err
		}
	}
	if json.Unmarshal(payload, &claims) != nil {
		return claims, "", errors.New("its claims can't be read")
	}
	return claims, jkt, nil
}

// check checks all claims but the nonce. The URI is that of the endpoint below the issuer, whatever host and path a
// proxy made of it.
func (p *proofClaims) check(r *http.Request, alias, token string, now time.Time) error {
	sum := sha256.Sum256([]byte(token))
	switch {
	case p.JTI == "" || len(p.JTI) > maxJTI:
		return fmt.Errorf("jti is missing, or has more than %d bytes", maxJTI)
	case p.Method != r.Method:
		return errors.New("htm isn't the method of the request")
	case !sameURI(p.URI, web.TenantOf(r.Context()).URL(r.URL.EscapedPath())) &&
		(alias == "" || !sameURI(p.URI, alias+r.URL.EscapedPath())):
		return errors.New("htu isn't the URL of the request: send it to the endpoint that the metadata names, by that name")
	case p.IssuedAt == 0:
		return errors.New("iat is missing")
	case p.IssuedAt.After(now.Add(newest)):
		return errors.New("iat is in the future: the clock of the client is wrong")
	case !p.IssuedAt.After(now.Add(-oldest)):
		return errors.New("iat is too long ago: the clock of the client is wrong")
	case p.NotBefore.After(now.Add(newest)):
		return errors.New("nbf is in the future")
	case p.ExpiresAt != 0 && !p.ExpiresAt.After(now.Add(-newest)):
		return errors.New("it has expired")
	case token != "" && subtle.ConstantTimeCompare([]byte(p.TokenHash), []byte(strict.EncodeToString(sum[:]))) != 1:
		return errors.New("ath isn't the hash of the access token")
	}
	return nil
}
