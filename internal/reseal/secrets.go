package reseal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// States of a master secret.
const (
	Seals     = "seals" // the first that is given
	Opens     = "opens" // given, and stored values depend on it
	NotNeeded = "given, not needed"
	Missing   = "missing" // stored values depend on it, and it is not given
)

// Secret is a master secret that is given or needed.
type Secret struct {
	Fingerprint string     `json:"fingerprint"`
	State       string     `json:"state"`
	SealedAt    *time.Time `json:"sealed_at,omitempty"` // when a server last said that it seals with it
}

// Secrets returns the given secrets and those that are missing. known are those on which stored values
// depend; given are fingerprints.
func Secrets(known []storage.MasterSecret, given []string) []Secret {
	all := []Secret{}
	at := map[string]*time.Time{}
	for _, k := range known {
		at[k.Fingerprint] = &k.SealedAt
	}
	for i, print := range given {
		s := Secret{Fingerprint: print, State: NotNeeded, SealedAt: at[print]}
		switch {
		case i == 0:
			s.State = Seals
		case s.SealedAt != nil:
			s.State = Opens
		}
		all = append(all, s)
	}
	for _, k := range known {
		if !slices.Contains(given, k.Fingerprint) {
			all = append(all, Secret{Fingerprint: k.Fingerprint, State: Missing, SealedAt: at[k.Fingerprint]})
		}
	}
	return all
}

// CheckSecrets returns an error if stored values depend on a secret that is not given. A server that
// started without it would fail users one by one.
func CheckSecrets(known []storage.MasterSecret, given []string) error {
	var missing []string
	for _, s := range Secrets(known, given) {
		if s.State == Missing {
			missing = append(missing, s.Fingerprint)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("values in the database were sealed with the master secret %s, which is not among those given (%s): second factors, passkeys, signing keys or others could not be opened.\n"+
		"Give it too, behind the new one: VOUCHSAFE_SECRET=new,old. Then run vouchsafe secret reseal, after which it can go.\n"+
		"If it is lost: vouchsafe secret forget %s", strings.Join(missing, " and "), strings.Join(given, ", "), missing[0])
}

// ErrGiven is returned for a secret that is not lost.
var ErrGiven = errors.New("this secret is given: vouchsafe secret reseal lets it go without losing anything")

// Lost returns the record of a secret that can be forgotten with all that it sealed. storage.ErrNotFound:
// no stored value depends on it. [ErrGiven]: it is among those given.
func Lost(known []storage.MasterSecret, given []string, fingerprint string) (storage.MasterSecret, error) {
	i := slices.IndexFunc(known, func(k storage.MasterSecret) bool { return k.Fingerprint == fingerprint })
	switch {
	case i < 0:
		return storage.MasterSecret{}, storage.ErrNotFound
	case slices.Contains(given, fingerprint):
		return storage.MasterSecret{}, ErrGiven
	}
	return known[i], nil
}
