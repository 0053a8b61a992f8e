package token

import (
	"context"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/mtls"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// settleHolder decides whether the client's tokens are bound to the key of its proof (RFC 9449 section 5) and to its
// certificate (RFC 8705 section 3).
func settleHolder(q *tokenRequest) error {
	if err := q.proof.AllowedFor(q.client); err != nil {
		return err
	}
	switch {
	case q.client.NeedsProof() && !q.proof.Given():
		return errProofNeeded
	case q.client.DPoP == storage.DPoPOff:
		q.proof = dpop.Proof{}
	}
	if !q.client.CertificateBound {
		return nil
	}
	if q.x5t = q.presented; q.x5t == "" {
		return errCertificateNeeded
	}
	return nil
}

// errNotForApps refuses bearer tokens to an app whose tokens are all bound to a key.
var errNotForApps = fosite.ErrUnauthorizedClient.WithDescription("This client gets tokens that are bound to a key " +
	"only, which the JSON API doesn't give. Use the authorization challenge endpoint.")

// errCertificateNeeded refuses a request without a certificate.
var errCertificateNeeded = fosite.ErrInvalidRequest.WithDescription("The tokens of this client are bound to its " +
	"certificate (RFC 8705): present one in TLS, at the URL that mtls_endpoint_aliases names.")

// errProofNeeded refuses a request without a proof.
var errProofNeeded = oauth.ErrInvalidDPoPProof.WithDescription("A DPoP proof is missing: send one in the header DPoP " +
	"(RFC 9449).")

// checkCodeKey refuses a code that is bound to another key (RFC 9449 section 10). It is not burned: a key can't be
// guessed, and its owner may still come.
func checkCodeKey(ctx context.Context, q *tokenRequest) error {
	if q.code.JKT != "" && q.code.JKT != q.proof.JKT {
		return invalidGrant(ctx, "the code is bound to another key")
	}
	return nil
}

// checkRefreshKey refuses a refresh token that is bound to another key than that of the proof. The tokens of clients
// with credentials are bound to these instead (RFC 9449 section 5).
func checkRefreshKey(ctx context.Context, q *tokenRequest) error {
	switch bound := q.refresh.JKT; {
	case bound != "" && !q.proof.Given():
		return errProofNeeded
	case bound != q.proof.JKT && bound != "":
		return invalidGrant(ctx, "the refresh token is bound to another key")
	case bound == "" && q.client.Public() && q.client.NeedsProof():
		return invalidGrant(ctx, "the refresh token is bound to no key")
	case q.refresh.X5T != "" && !mtls.Same(q.refresh.X5T, q.presented):
		return invalidGrant(ctx, "the refresh token is bound to another certificate")
	case bound == "" && q.refresh.X5T == "" && q.client.Public() && q.client.CertificateBound:
		return invalidGrant(ctx, "the refresh token is bound to no certificate")
	}
	return nil
}

// bindRefresh binds the refresh tokens of a new grant to the key of the proof or to the certificate, if nothing else
// shows that their holder is the client.
func bindRefresh(q *tokenRequest) {
	if q.client.Public() {
		q.refresh.JKT, q.refresh.X5T = q.proof.JKT, q.x5t
	}
}
