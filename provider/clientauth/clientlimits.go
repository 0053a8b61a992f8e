package clientauth

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
)

// authFailures is the default of Authenticator.Failures. It bounds the failures of one client from one address, as limit.Networks counts
// it. An address has a few times as many for all clients together, so that to spray made-up
// ids does not pay, and a client more from all addresses, so that a botnet does not guess.
var authFailures = limit.Rule{Name: "client-auth", Max: 20, Window: time.Minute}

// An address has so many times the failures of one client, and a client of one address.
const (
	failuresOfAddress = 5
	failuresOfClient  = 50
)

// knownFor is how long it is remembered that a client has proven itself from a network.
const knownFor = 30 * 24 * time.Hour

// attempt is a client's at proving itself. What is right and quickly seen to be right is
// never counted, so that nobody can lock a client out by failing in its name, nor behind its
// address. Only a slow comparison is counted before it is made; its success is given back,
// and the network remembered: from there the client has attempts of its own.
type attempt struct {
	by      *Authenticator
	tenant  string
	client  string
	pass    *limit.Pass
	counted bool
	refused error
}

// admit counts what failed, or may well fail, and refuses beyond the limit. It does so once
// for each request: before a slow comparison, else after a failure.
func (a *attempt) admit(ctx context.Context) error {
	if a.counted {
		return a.refused
	}
	a.counted = true
	limits, rule := a.by.Limits, a.by.Failures
	pair := limit.Networks(ctx, rule, limit.GivesBack)
	for i := range pair {
		pair[i].Subject = a.client + "\x00" + pair[i].Subject
	}
	all := append(pair, limit.Networks(ctx, rule.Times(failuresOfAddress, "-address"), limit.GivesBack)...)
	all = append(all, limit.By{Rule: rule.Times(failuresOfClient, "-client"), Subject: a.client, OnSuccess: limit.GivesBack})
	var wait time.Duration
	var ok bool
	if a.pass, wait, ok = limits.Admit(ctx, a.tenant, all...); ok {
		return nil
	}
	if a.provenHere(ctx) {
		for i := range pair {
			pair[i].Known = true
		}
		if a.pass, wait, ok = limits.Admit(ctx, a.tenant, pair...); ok {
			return nil
		}
	}
	a.refused = oauth.ErrTooManyFailures.WithDescription("Too many failures from this address, or in this client's name. Wait a minute.").WithWrap(oauth.Wait(wait))
	return a.refused
}

// done gives back what was counted for a client that has proven itself after all: with err
// it has not.
func (a *attempt) done(ctx context.Context, err error) {
	if a.pass == nil || err != nil {
		return
	}
	a.pass.GiveBack(ctx)
	// There already, or lost: it spares a wait, and decides nothing.
	_ = a.by.Ephemeral.Put(ctx, a.network(ctx), nil, knownFor)
}

// provenHere says whether the client has proven itself from the request's network before.
func (a *attempt) provenHere(ctx context.Context) bool {
	_, err := a.by.Ephemeral.Get(ctx, a.network(ctx))
	return err == nil
}

func (a *attempt) network(ctx context.Context) string {
	return limit.Key(a.tenant, "client-proven", a.client+"\x00"+limit.Network(web.RequestOf(ctx).IP))
}
