package token

import (
	"context"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/provider/dpop"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// settleProof decides whether the client's tokens are bound to the key of its proof (RFC 9449 section 5).
func settleProof(q *tokenRequest) error {
	switch q.client.DPoP {
	case storage.DPoPOff:
		q.proof = dpop.Proof{}
	case storage.DPoPRequire:
		if !q.proof.Given() {
			return errProofNeeded
		}
	}
	return nil
}

// errNotForApps refuses bearer tokens to an app whose tokens are all bound to a key.
var errNotForApps = fosite.ErrUnauthorizedClient.WithDescription("This client gets tokens that are bound to a key " +
	"only, which the JSON API doesn't give. Use the authorization challenge endpoint.")

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
	case bound == "" && q.client.Public() && q.client.DPoP == storage.DPoPRequire:
		return invalidGrant(ctx, "the refresh token is bound to no key")
	}
	return nil
}

// bindRefresh binds the refresh tokens of a new grant to the key of the proof, if nothing else shows that their holder
// is the client.
func bindRefresh(q *tokenRequest) {
	if q.client.Public() {
		q.refresh.JKT = q.proof.JKT
	}
}
