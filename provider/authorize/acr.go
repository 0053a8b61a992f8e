package authorize

import (
	"context"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// readACR reads how strongly the client wants the user to have proven their identity: by the claims
// parameter (OIDC Core 5.5.1.1), acr_values (3.1.2.1) or its registration. Only an essential claim is
// insisted on; values that are not known here are otherwise passed over.
func readACR(a *authorization, acrValues string) error {
	claim := a.claims.IDToken["acr"]
	asked := claim.Words()
	if len(asked) == 0 {
		asked = strings.Fields(acrValues)
	}
	if len(asked) == 0 {
		asked = a.client.DefaultACRValues
	}
	for _, acr := range asked {
		if slices.Contains(storage.ACRs, acr) {
			a.acrs = append(a.acrs, acr)
		}
	}
	if claim != nil && claim.Essential && len(asked) > 0 && len(a.acrs) == 0 {
		return oauth.ErrUnmetRequirements.WithDescription(
			"No way of signing in here gives the acr that the claims parameter insists on.",
		)
	}
	return nil
}

// leastACR returns the weakest acr that settles the request. The tenant's rule for users who have a
// second factor is not among it: such a user has no session without having used it.
func (a *authorization) leastACR() string {
	least := ""
	for _, acr := range storage.ACRs {
		if slices.Contains(a.acrs, acr) {
			least = acr
			break
		}
	}
	required := a.tenant.Settings.SecondFactor.Require
	if a.client.SecondFactor == storage.SecondFactorAlways || required == storage.SecondFactorAlways {
		least = storage.StrongerACR(least, storage.ACRRemembered)
	}
	return least
}

// needsSecondFactor: the user has given less proof than the client asks or the rules demand. The page
// asks for what is missing only.
func needsSecondFactor(ctx context.Context, store Store, a *authorization) (bool, error) {
	if !storage.ReachesACR(a.account.ACR, a.leastACR()) {
		return true, nil
	}
	if a.client.SecondFactor != storage.SecondFactorEnrolled || storage.ReachesACR(a.account.ACR, storage.ACRRemembered) {
		return false, nil
	}
	creds, err := store.CredentialsOf(ctx, a.tenant.ID, a.account.UserID)
	return storage.HasSecondFactor(creds), err
}

// answerACR returns the acr that the client is told: of those that it asked for the first that the
// session is as good as, since it may compare letters; else the session's.
func (a *authorization) answerACR() string {
	for _, acr := range a.acrs {
		if storage.ReachesACR(a.account.ACR, acr) {
			return acr
		}
	}
	return a.account.ACR
}
