package clientauth

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
)

// How many times the failures of one client from one address an address may have, and how many
// times a client.
const (
	failuresOfAddress = 5
	failuresOfClient  = 50
)

// knownFor is how long a network is remembered from which a client has authenticated.
const knownFor = 30 * 24 * time.Hour

// attempt is a client's attempt to authenticate. Credentials that are right and quick to check are
// never counted, so that an attacker cannot lock a client out by failing in its name or from its
// address. Only a slow comparison is counted before it is made. If it succeeds, the count is given
// back and the network is remembered: from there the client has attempts of its own.
type attempt struct {
	by      *Authenticator
	tenant  string
	client  string
	pass    *limit.Pass
	counted bool
	refused error
}

// admit counts a failure, or an attempt that may fail, and returns an error beyond the limit. It
// does so once for each request: before a slow comparison, or after a failure.
func (a *attempt) admit(ctx context.Context) error {
	if a.counted {
		return a.refused
	}
	a.counted = true
	limits, rule, from := a.by.Limits, a.by.Failures, web.RequestOf(ctx).IP
	pair := limit.Networks(from, rule, limit.GivesBack)
	for i := range pair {
		pair[i].Subject = a.client + "\x00" + pair[i].Subject
	}
	all := append(pair, limit.Networks(from, rule.Times(failuresOfAddress, "-address"), limit.GivesBack)...)
	all = append(all, limit.By{Rule: rule.Times(failuresOfClient, "-client"), Subject: a.client,
		OnSuccess: limit.GivesBack})
	var wait time.Duration
	var ok bool
	if a.pass, wait, ok = limits.Admit(ctx, a.tenant, from, all...); ok {
		return nil
	}
	if a.authenticatedHere(ctx) {
		for i := range pair {
			pair[i].Known = true
		}
		if a.pass, wait, ok = limits.Admit(ctx, a.tenant, from, pair...); ok {
			return nil
		}
	}
	a.refused = oauth.ErrTooManyFailures.WithDescription("Too many failures from this IP address or for this " +
		"client. Try again after Retry-After seconds.").WithWrap(oauth.Wait(wait))
	return a.refused
}

// done gives back what was counted, if err is nil, which means that the client has authenticated
// after all.
func (a *attempt) done(ctx context.Context, err error) {
	if a.pass == nil || err != nil {
		return
	}
	a.pass.GiveBack(ctx)
	// If this fails, the client may have to wait at its next failure. Nothing else depends on it.
	_ = a.by.Ephemeral.Put(ctx, a.network(ctx), nil, knownFor)
}

// authenticatedHere reports whether the client has authenticated from the request's network before.
func (a *attempt) authenticatedHere(ctx context.Context) bool {
	_, err := a.by.Ephemeral.Get(ctx, a.network(ctx))
	return err == nil
}

// network returns the key under which the request's network is remembered for the client.
func (a *attempt) network(ctx context.Context) string {
	return limit.Key(a.tenant, "client-proven", a.client+"\x00"+limit.Network(web.RequestOf(ctx).IP))
}
