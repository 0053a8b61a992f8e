package people

import (
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Freshness is how long a proof allows what only the account's owner may do. A stranger who finds a
// browser signed in has its session, but not what opened it.
const Freshness = 5 * time.Minute

// IsFresh reports whether the proof of that time is no older than Freshness.
func IsFresh(proven time.Time) bool { return storage.Within(proven, time.Now(), Freshness) }
