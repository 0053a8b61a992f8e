package token

import (
	"context"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/storage"
)

// bearerGrant gives a client a token for itself, for the token of a workload (RFC 7523 section 2.1). It is what client
// credentials give, and ends no later than the assertion.
type bearerGrant struct {
	*clientCredentialsGrant
	workload func(ctx context.Context, t *issuer.Tenant, c *storage.Client, token string, now time.Time) (
		until time.Time, err error)
}

// check verifies the assertion. It may be used again while it lives: platforms hand it out as a file.
func (bg *bearerGrant) check(ctx context.Context, q *tokenRequest) (err error) {
	assertion := q.form.Get("assertion")
	if assertion == "" {
		return fosite.ErrInvalidRequest.WithDescription("assertion is missing.")
	}
	if q.until, err = bg.workload(ctx, q.tenant, q.client, assertion, q.now); err != nil {
		return err
	}
	if !q.until.After(q.now) { // clocks may differ, but no token ends before it begins
		return fosite.ErrInvalidGrant.WithDescription("The assertion has expired.")
	}
	return bg.clientCredentialsGrant.check(ctx, q)
}
