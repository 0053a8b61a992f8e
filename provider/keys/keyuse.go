package keys

import (
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// State is what a signing key is there for.
type State string

// The states of a key, in the order of its life.
const (
	Waits     State = "next"      // published, and will sign
	Signs     State = "signing"   // of its algorithm, the one that signs
	Published State = "published" // what it signed is believed
	Expired   State = "expired"   // what it signed counts as an id_token_hint alone
)

// Use is a key with what it is there for.
type Use struct {
	storage.Key
	State State
	// SignsUntil is when it signs last, or did; before ActiveAt when it never does.
	SignsUntil time.Time
}

// Uses says what a tenant's keys, all of them by algorithm and sequence, are there for now.
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
