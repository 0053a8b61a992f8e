package provider

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// check is one thing that must be settled before an authorization is given. The list
// of them answers both which page comes next and which error prompt=none gets.
type check struct {
	// page settles it.
	page func(Pages) string
	// reason is the error for prompt=none (OIDC Core 3.1.2.6).
	reason *fosite.RFC6749Error
	// unmet says whether it is not settled. An error of the protocol ends the authorization.
	unmet func(ctx context.Context, p *Provider, a *authorization) (bool, error)
}

// policy lists the checks in their order.
var policy = []check{
	{page: func(p Pages) string { return p.SignUp }, reason: fosite.ErrInteractionRequired, unmet: needsSignUp},
	{page: func(p Pages) string { return p.Select }, reason: oauth.ErrAccountSelectionRequired, unmet: needsSelection},
	{page: func(p Pages) string { return p.Login }, reason: fosite.ErrLoginRequired, unmet: needsLogin},
	{page: func(p Pages) string { return p.SecondFactor }, reason: fosite.ErrInteractionRequired, unmet: needsSecondFactor},
	{page: func(p Pages) string { return p.Consent }, reason: fosite.ErrConsentRequired, unmet: needsConsent},
}

// next is the first check that is not settled, or nil.
func (p *Provider) next(ctx context.Context, a *authorization) (*check, error) {
	for i := range policy {
		unmet, err := policy[i].unmet(ctx, p, a)
		if err != nil {
			return nil, err
		}
		if unmet {
			return &policy[i], nil
		}
	}
	return nil, nil
}

// needsSignUp: prompt=create (Initiating User Registration via OpenID Connect 1.0), until
// the person came in after the request began: by a new account, or by one that they remember
// having.
func needsSignUp(_ context.Context, _ *Provider, a *authorization) (bool, error) {
	return slices.Contains(a.prompts, "create") && (a.account == nil || !a.account.AuthTime.After(a.started) && !a.account.Chosen.After(a.started)), nil
}

// needsSelection: prompt=select_account, until the person chose an account or signed
// in to one after the request began. Somebody who is signed in to none has no choice.
func needsSelection(_ context.Context, _ *Provider, a *authorization) (bool, error) {
	return slices.Contains(a.prompts, "select_account") && a.account != nil && !since(a.account.Chosen, a.started), nil
}

// needsLogin: nobody is signed in, or somebody else than the client means, or it was
// too long ago. A sign-in younger than the request settles prompt=login and every
// max_age, so that none of them can loop.
func needsLogin(_ context.Context, _ *Provider, a *authorization) (bool, error) {
	if a.account == nil {
		return true, nil
	}
	fresh := a.account.AuthTime.After(a.started)
	if !a.meant(a.account.UserID) {
		if fresh || since(a.account.Chosen, a.started) { // it was said who it is, and it is not who the client asked for
			return false, fosite.ErrLoginRequired.WithDescription("The person who signed in is not the one that the request is about.")
		}
		return true, nil
	}
	if fresh {
		return false, nil
	}
	if slices.Contains(a.prompts, "login") {
		return true, nil
	}
	return a.maxAge != nil && a.started.Sub(a.account.AuthTime) >= *a.maxAge, nil
}

// needsConsent: the client is not the operator's own and asks for more than the
// person allowed before, or it wants them to be asked again.
func needsConsent(ctx context.Context, p *Provider, a *authorization) (bool, error) {
	again := slices.Contains(a.prompts, "consent")
	if a.client.FirstParty && !again {
		return false, nil
	}
	c, err := p.Store.Consent(ctx, a.tenant.ID, a.account.UserID, a.client.ClientID)
	if errors.Is(err, storage.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if again && !since(c.GrantedAt, a.started) {
		return true, nil
	}
	more := func(asked, allowed []string) bool {
		return slices.ContainsFunc(asked, func(s string) bool { return !slices.Contains(allowed, s) })
	}
	return more(a.scopes, c.Scopes) || more(a.claims.Names(), c.Claims), nil
}

// meant says whether the request is about the user: id_token_hint and a sub in the
// claims parameter name one (OIDC Core 3.1.2.1, 5.5.1).
func (a *authorization) meant(userID string) bool {
	return (a.hint == nil || a.hint.Subject == userID) && a.claims.IDToken["sub"].Allows(userID)
}

// subjects are the ids of the people that the request is about, or nil for anybody.
func (a *authorization) subjects() []string {
	if a.hint != nil {
		return []string{a.hint.Subject}
	}
	return a.claims.IDToken["sub"].Words()
}

// age is a parameter in seconds as a duration, bounded so that it cannot overflow.
func age(seconds int64) time.Duration {
	return time.Duration(min(seconds, int64(100*365*24*time.Hour/time.Second))) * time.Second
}

// since says whether something happened since the request began. What a clock that was ahead
// has dated counts for no request: it would for all of them, until its time has come.
func since(at, started time.Time) bool {
	return at.After(started) && !storage.Ahead(at, time.Now())
}
