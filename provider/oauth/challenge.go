package oauth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
)

// AtResource returns an error about a proof as a resource answers it (RFC 9449 section 7.1), and any other as it is.
func AtResource(err error) error {
	e, ok := errors.AsType[*fosite.RFC6749Error](err)
	if !ok || !aboutProof(e) {
		return err
	}
	at := *e
	at.CodeField = http.StatusUnauthorized
	return &at
}

// ErrScheme is the cause of an error about an access token that came by the scheme of the other kind: one that is bound
// to a key as a bearer token, or the other way round.
var ErrScheme = errors.New("the access token came by the wrong scheme")

// DPoPChallenge returns the challenge of WWW-Authenticate for the error, or without one if e is nil (RFC 9449 section
// 7.1).
func DPoPChallenge(t *issuer.Tenant, e *fosite.RFC6749Error) string {
	header := `DPoP realm="` + t.Issuer + `", algs="` +
		strings.Join(clients.AlgorithmNames(clients.AssertionAlgorithms), " ") + `"`
	if e != nil {
		header += `, error="` + e.ErrorField + `", error_description="` + Legible(Description(e)) + `"`
	}
	return header
}

// ByProof reports whether the error is about a proof, or the lack of one: its challenge is then DPoPChallenge.
func ByProof(e *fosite.RFC6749Error) bool {
	return aboutProof(e) || errors.Is(e, ErrScheme)
}

// aboutProof reports whether the error refuses a proof.
func aboutProof(e *fosite.RFC6749Error) bool {
	return e.ErrorField == ErrInvalidDPoPProof.ErrorField || e.ErrorField == ErrUseDPoPNonce.ErrorField
}
