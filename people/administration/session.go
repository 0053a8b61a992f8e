package administration

import (
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// CheckSignIn returns people.ErrSignInFirst if an administrator's sign-in of that time is older than the tenant allows,
// and people.ErrFactorFirst if it lacks the second factor that the tenant demands. A remembered browser is none. used
// is when the administrator last used the console in this browser, or the time of the sign-in.
func CheckSignIn(rules storage.AdministratorSettings, signedIn, used time.Time, acr string) error {
	now := time.Now()
	late := func(since time.Time, longest storage.Duration) bool {
		return longest != 0 && !storage.Within(since, now, time.Duration(longest))
	}
	switch {
	case late(signedIn, rules.SessionLifetime), late(used, rules.SessionIdle):
		return people.ErrSignInFirst
	case rules.SecondFactor && !storage.ReachesACR(acr, storage.ACRMultiFactor):
		return people.ErrFactorFirst
	}
	return nil
}
