package federation

import (
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Skew is how far a provider's clock may be behind ours.
const Skew = time.Minute

// provenWhen returns when a user who came from a provider has proven themselves, and whether that was
// on the trip that began then; there is what the provider says, zero for nothing. The word of its ID
// token counts, and nothing else: its session may be of last week, and what it was asked for has gone
// through the hands of the user at the browser. If it says nothing of a user, the user has proven
// themselves too long ago for what wants a proof of now. A new account has no past that would be
// another user's.
func provenWhen(there time.Time, user storage.User, begun time.Time) (at time.Time, now bool) {
	switch {
	case !user.CreatedAt.Before(begun), !there.IsZero() && !there.Before(begun.Add(-Skew)):
		return time.Now(), true
	case there.IsZero():
		return begun.Add(-people.Freshness - time.Second), false
	}
	return there, false
}

// amrOf returns by what a user has proven themselves who came from a provider that said so. More
// than one factor at the provider counts where the tenant says so.
func amrOf(a people.Asker, said []string) []string {
	amr := []string{"fed"}
	if a.Tenant.Settings.SecondFactor.TrustUpstream && slices.Contains(said, "mfa") {
		amr = append(amr, "mfa")
	}
	return amr
}
