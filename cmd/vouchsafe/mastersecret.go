package main

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/reseal"
	"github.com/vouchsafe/vouchsafe/internal/secret"
)

// openSecrets reads the master secrets and says that the first of them seals from now on.
func openSecrets(ctx context.Context, cfg *Config, s store) (*secret.Masters, error) {
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
func checkSecrets(ctx context.Context, cfg *Config, s store) (m *secret.Masters, uses []string, err error) {
	if m, err = masters(cfg); err != nil {
		return nil, nil, err
	}
	known, err := s.MasterSecrets(ctx)
	if err != nil {
		return nil, nil, err
	}
	given := m.Fingerprints()
	if err := reseal.CheckSecrets(known, given); err != nil {
		return nil, nil, err
	}
	if len(known) == 0 { // an empty database, or one of a version that kept no account of secrets
		return m, given, nil
	}
	return m, given[:1], nil
}

// useSecret keeps saying which master secret this server seals with, until the context ends.
func (s *server) useSecret(ctx context.Context) {
	print := s.secrets.Fingerprints()[0]
	s.every(ctx, reseal.SealEvery, "say which master secret seals", func(ctx context.Context) error {
		return s.store.UseMasterSecret(ctx, print, time.Now())
	})
}
