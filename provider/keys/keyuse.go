package keys

import (
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// State is the use of a signing key at present.
type State string

// The states of a key, in the order of its life.
const (
	Waits     State = "next"      // published, and will sign later
	Signs     State = "signing"   // the key of its algorithm that signs
	Published State = "published" // does not sign; its tokens are accepted
	Expired   State = "expired"   // its ID tokens are accepted as an id_token_hint only
)

// Use is a key with its state.
type Use struct {
	storage.Key
	State State
	// SignsUntil is when the key signs for the last time, or did so. It is before ActiveAt if the
	// key never signs.
	SignsUntil time.Time
}

// Uses returns the state of each key. keys are all keys of a tenant, ordered by algorithm and
// sequence.
func (l Lifetimes) Uses(keys []storage.Key, now time.Time) []Use {
	set := &Set{}
	for _, key := range keys {
		set.keys = append(set.keys, &Key{Key: key})
	}
	uses := make([]Use, len(keys))
	for i, key := range set.keys {
		u := Use{Key: key.Key, SignsUntil: l.signsUntil(key)}
		for _, later := range set.keys[i+1:] {
			if later.Algorithm == key.Algorithm && later.ActiveAt.Before(u.SignsUntil) {
				u.SignsUntil = later.ActiveAt
			}
		}
		switch {
		case set.signing(key.Algorithm, now, l.Longest) == key:
			u.State = Signs
		case !key.isPublished(now):
			u.State = Expired
		case key.ActiveAt.After(now) && u.SignsUntil.After(key.ActiveAt):
			u.State = Waits
		default:
			u.State = Published
		}
		uses[i] = u
	}
	return uses
}
