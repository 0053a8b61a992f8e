package authorize

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
	unmet func(ctx context.Context, store Store, a *authorization) (bool, error)
}

// policy lists the checks in their order.
var policy = []check{
	{func(p Pages) string { return p.SignUp }, fosite.ErrInteractionRequired, needsSignUp},
	{func(p Pages) string { return p.Select }, oauth.ErrAccountSelectionRequired, needsSelection},
	{func(p Pages) string { return p.Login }, fosite.ErrLoginRequired, needsLogin},
	{func(p Pages) string { return p.SecondFactor }, fosite.ErrInteractionRequired, needsSecondFactor},
	{func(p Pages) string { return p.NoAccess }, fosite.ErrAccessDenied, lacksAccess},
	{func(p Pages) string { return p.Consent }, fosite.ErrConsentRequired, needsConsent},
}

// firstUnmet returns the first check that is not settled, or nil.
func firstUnmet(ctx context.Context, store Store, a *authorization) (*check, error) {
	for i := range policy {
		unmet, err := policy[i].unmet(ctx, store, a)
		if err != nil {
			return nil, err
		}
		if unmet {
			return &policy[i], nil
		}
	}
	return nil, nil
}

// needsSignUp: prompt=create (Initiating User Registration via OpenID Connect 1.0), until the user came
// in after the request began: by a new account, or by one that the user remembers having.
func needsSignUp(_ context.Context, _ Store, a *authorization) (bool, error) {
	came := a.account != nil && (a.account.AuthTime.After(a.started) || a.account.Chosen.After(a.started))
	return slices.Contains(a.prompts, "create") && !came, nil
}

// needsSelection: prompt=select_account, until the user chose an account or signed in to one after the
// request began. A browser that is signed in to no account offers no choice.
func needsSelection(_ context.Context, _ Store, a *authorization) (bool, error) {
	return slices.Contains(a.prompts, "select_account") && a.account != nil && !since(a.account.Chosen, a.started), nil
}

// needsLogin: no user is signed in, or another one than the client means, or it was too long ago. A
// sign-in younger than the request settles prompt=login and every max_age, so that none of them can loop.
func needsLogin(_ context.Context, _ Store, a *authorization) (bool, error) {
	if a.account == nil {
		return true, nil
	}
	fresh := a.account.AuthTime.After(a.started)
	if !a.meant(a.account.UserID) {
		if fresh || since(a.account.Chosen, a.started) { // the user said who it is, and it is not who the client asked for
			return false, fosite.ErrLoginRequired.WithDescription(
				"A different user signed in than the one that id_token_hint or claims names.",
			)
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

// lacksAccess: the client is not for this user. The page says why. It cannot settle that, but the user may choose
// another account there, or an administrator may let the user in meanwhile.
func lacksAccess(ctx context.Context, store Store, a *authorization) (bool, error) {
	return isRefused(ctx, store, a.client, &a.account.User)
}

// isRefused reports whether the user may not use the client. It reads the user's groups only if the client asks
// for them.
func isRefused(ctx context.Context, store Store, c *storage.Client, u *storage.User) (bool, error) {
	var groups []string
	if len(c.Allow.Groups) > 0 {
		b, err := store.Belonging(ctx, u.TenantID, u.ID)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return false, err
		}
		groups = b.Groups
	}
	return c.Allow.Refusal(u, groups) != "", nil
}

// needsConsent: the client is not the operator's own and asks for more than the user allowed before, or
// it wants the user to be asked again. What the user allows one device counts for no other.
func needsConsent(ctx context.Context, store Store, a *authorization) (bool, error) {
	again := slices.Contains(a.prompts, "consent")
	if a.client.FirstParty && !again {
		return false, nil
	}
	c, err := store.Consent(ctx, a.tenant.ID, a.account.UserID, a.client.ClientID)
	if errors.Is(err, storage.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if again && !since(c.GrantedAt, a.started) || a.device != nil && !a.allowed {
		return true, nil
	}
	more := func(asked, allowed []string) bool {
		return slices.ContainsFunc(asked, func(s string) bool { return !slices.Contains(allowed, s) })
	}
	if more(a.scopes, c.Scopes) || more(a.resources, c.Resources) || more(a.claims.Names(a.rules()), c.Claims) {
		return true, nil
	}
	if a.mayStay() && slices.Contains(c.Scopes, offlineAccess) { // the user has agreed that it stays connected
		a.scopes = append(a.scopes, offlineAccess)
	}
	return false, nil
}

// since reports whether something happened since the request began. What a clock that was ahead
// has dated counts for no request: it would for all of them, until its time has come.
func since(at, started time.Time) bool {
	return at.After(started) && !storage.Ahead(at, time.Now())
}
