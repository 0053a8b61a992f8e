package provider

import (
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// KeyState is what a signing key is there for.
type KeyState string

// The states of a key, in the order of its life.
const (
	KeyWaits     KeyState = "next"      // published, and will sign
	KeySigns     KeyState = "signing"   // of its algorithm, the one that signs
	KeyPublished KeyState = "published" // what it signed is believed
	KeyExpired   KeyState = "expired"   // what it signed counts as an id_token_hint alone
)

// KeyUse is a key with what it is there for.
type KeyUse struct {
	storage.Key
	State KeyState
	// SignsUntil is when it signs last, or did; before ActiveAt when it never does.
	SignsUntil time.Time
}

// KeyUses says what a tenant's keys, all of them by algorithm and sequence, are there for now.
func (c *Config) KeyUses(keys []storage.Key, now time.Time) []KeyUse {
	k := &keyring{rotation: c.KeyRotation, longest: c.longestToken()}
	set := &keySet{}
	for _, key := range keys {
		set.keys = append(set.keys, &signingKey{Key: key})
	}
	uses := make([]KeyUse, len(keys))
	for i, key := range set.keys {
		u := KeyUse{Key: key.Key, SignsUntil: k.signsUntil(key)}
		for _, later := range set.keys[i+1:] {
			if later.Algorithm == key.Algorithm && later.ActiveAt.Before(u.SignsUntil) {
				u.SignsUntil = later.ActiveAt
			}
		}
		switch {
		case set.signing(key.Algorithm, now, k.longest) == key:
			u.State = KeySigns
		case !key.isPublished(now):
			u.State = KeyExpired
		case key.ActiveAt.After(now) && u.SignsUntil.After(key.ActiveAt):
			u.State = KeyWaits
		default:
			u.State = KeyPublished
		}
		uses[i] = u
	}
	return uses
}
