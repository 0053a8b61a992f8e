package clientauth

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// A workload is a program on a platform that gives it signed tokens of its identity: a Kubernetes service account, a
// CI job, a SPIFFE workload. Its token authenticates the client of a trust entry (storage.Workload). Platforms hand
// such a token out as a file, or again to each process that asks, and so it may be used more than once while it lives.
// That is short, and it is for this server alone.

const (
	// spiffeType is the client_assertion_type of JWT-SVIDs (draft-ietf-oauth-spiffe-client-auth).
	spiffeType = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"
	// workloadLife is how old a token of a workload may be, and how long it may still live: the tokens of CI jobs live as
	// long as the job.
	workloadLife = 24 * time.Hour
)

// ownTypes and workloadTypes are the values of typ of the assertions that a client signs, and of workloads' tokens. No
// access token has one of these (RFC 9068).
var (
	ownTypes      = []string{"", "jwt", "client-authentication+jwt"}
	workloadTypes = []string{"", "jwt", "jose"}
)

// isWorkload reports whether another than the client signed the assertion.
func (a *assertion) isWorkload(form url.Values) bool {
	id := form.Get("client_id")
	return a.Issuer != a.Subject || id != "" && id != a.Subject
}

// checkWorkload returns nil if an entry of the client trusts the token, and an *authError otherwise.
func (a *Authenticator) checkWorkload(ctx context.Context, t *issuer.Tenant, c *storage.Client, signed *assertion,
	now time.Time,
) error {
	why := "the client trusts no tokens of the issuer " + signed.Issuer
	for i := range c.Workloads {
		w := &c.Workloads[i]
		if !clients.IsOf(w, signed.Issuer, signed.Subject) {
			continue
		}
		err := a.trusts(ctx, t, c, w, signed, now)
		if err == nil {
			web.Note(ctx, "workload", signed.Subject)
			return nil
		}
		why = err.Error()
	}
	return &authError{why: "workload " + signed.Subject + ": " + why}
}

// trusts returns nil if the entry trusts the token. What costs nothing is checked first.
func (a *Authenticator) trusts(ctx context.Context, t *issuer.Tenant, c *storage.Client, w *storage.Workload,
	signed *assertion, now time.Time,
) error {
	if err := signed.checkLife(workloadLife, now); err != nil {
		return err
	}
	ours := w.Audience
	if len(ours) == 0 {
		ours = []string{t.Issuer, t.URL("/token")}
	}
	foreign := func(aud string) bool { return !slices.Contains(ours, aud) }
	switch {
	case len(signed.Audience) == 0 || slices.ContainsFunc(signed.Audience, foreign):
		return errors.New("it is for another audience")
	case signed.IssuedAt != 0 && !signed.IssuedAt.After(now.Add(-workloadLife)):
		return errors.New("it was issued too long ago")
	case !clients.MeetsConditions(w, signed.jws.UnsafePayloadWithoutVerification()):
		return errors.New("its claims don't meet the conditions")
	}
	keys, err := a.workloadKeys(ctx, c, w, signed.jws.Signatures[0].Protected.KeyID)
	if err != nil {
		return err
	}
	if !clients.SignedByOne(signed.jws, keys) {
		return errors.New("it isn't signed by a key of the issuer")
	}
	return nil
}

// workloadKeys returns the keys of the entry's issuer that may have the kid. Those of a trust domain say that they are
// for JWT-SVIDs; it has others for X.509 (SPIFFE Trust Domain and Bundle section 4).
func (a *Authenticator) workloadKeys(ctx context.Context, c *storage.Client, w *storage.Workload, kid string) (
	keys []jose.JSONWebKey, err error,
) {
	if w.JWKSURI != "" {
		keys, err = a.remoteKeys.get(ctx, a.Fetch, c.TenantID+"\x00"+w.JWKSURI, w.JWKSURI, kid)
	} else {
		keys, _, err = clients.ParseJWKS(w.JWKS)
	}
	if err != nil {
		return nil, err
	}
	keys = slices.Clone(keysNamed(keys, kid))
	if !clients.IsTrustDomain(w) {
		return keys, nil
	}
	keys = slices.DeleteFunc(keys, func(k jose.JSONWebKey) bool { return k.Use != "jwt-svid" && k.Use != "" })
	for i := range keys {
		keys[i].Use = "sig"
	}
	return keys, nil
}

// Workload returns when the token of a workload ends that came as the assertion of a grant (RFC 7523 section 2.1), if
// an entry of the client trusts it. The error is invalid_grant otherwise.
func (a *Authenticator) Workload(
	ctx context.Context, t *issuer.Tenant, c *storage.Client, token string, now time.Time,
) (until time.Time, err error) {
	signed, err := parseAssertion(token, workloadTypes)
	if err == nil {
		err = a.checkWorkload(ctx, t, c, signed, now)
	} else {
		err = &authError{why: err.Error()}
	}
	var failed *authError
	if errors.As(err, &failed) {
		web.Note(ctx, "why", failed.why)
		return until, fosite.ErrInvalidGrant.WithDescription("The assertion isn't valid, or is of no workload that this " +
			"client trusts.")
	}
	if err != nil {
		return until, err
	}
	return time.Unix(int64(signed.ExpiresAt), 0), nil
}
