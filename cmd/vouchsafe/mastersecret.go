package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/storage"
)

// sealEvery is how often a server says with which master secret it seals.
const sealEvery = time.Minute

// openSecrets reads the master secrets and says that the first of them seals from now on.
func openSecrets(ctx context.Context, cfg *settings.Config, s store) (*secret.Masters, error) {
	m, uses, err := checkSecrets(ctx, cfg, s)
	if err != nil {
		return nil, err
	}
	for _, print := range uses {
		if err := s.UseMasterSecret(ctx, print, time.Now()); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// checkSecrets reads the master secrets, and says which of them are to be noted in the
// database before anything is sealed. It refuses when stored values hang on one that is
// missing: a server that started without would fail people one by one.
func checkSecrets(ctx context.Context, cfg *settings.Config, s store) (m *secret.Masters, uses []string, err error) {
	if m, err = masters(cfg); err != nil {
		return nil, nil, err
	}
	known, err := s.MasterSecrets(ctx)
	if err != nil {
		return nil, nil, err
	}
	given := m.Fingerprints()
	if missing := missingSecrets(known, given); len(missing) > 0 {
		return nil, nil, fmt.Errorf("values in the database were sealed with the master secret %s, which is not among those given (%s): second factors, passkeys, signing keys or others could not be opened.\n"+
			"Give it too, behind the new one: VOUCHSAFE_SECRET=new,old. Then run vouchsafe secret reseal, after which it can go.\n"+
			"If it is lost: vouchsafe secret forget %s", strings.Join(missing, " and "), strings.Join(given, ", "), missing[0])
	}
	if len(known) == 0 { // an empty database, or one of a version that kept no account of secrets
		return m, given, nil
	}
	return m, given[:1], nil
}

// missingSecrets are the fingerprints on which values hang and that were not given.
func missingSecrets(known []storage.MasterSecret, given []string) []string {
	var missing []string
	for _, k := range known {
		if !slices.Contains(given, k.Fingerprint) {
			missing = append(missing, k.Fingerprint)
		}
	}
	return missing
}

// useSecret keeps saying which master secret this server seals with, until the context ends.
func (s *server) useSecret(ctx context.Context) {
	print := s.secrets.Fingerprints()[0]
	s.every(ctx, sealEvery, "say which master secret seals", func(ctx context.Context) error {
		return s.store.UseMasterSecret(ctx, print, time.Now())
	})
}
