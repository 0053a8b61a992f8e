package main

import (
	"cmp"
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/internal/datadir"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

const (
	// completionTime is how long the user waits at most for names of the database.
	completionTime = time.Second
	// completionNames is how many names of a kind are offered.
	completionNames = 100
)

// namesFor returns the names of the database that may stand at the place and begin with the text. It makes no
// database, changes none, and says nothing if it cannot read one: a shell shows what it says amid the line.
func (a *app) namesFor(p place, beginning string) []string {
	if p.value == nil || p.value.Tag == nil {
		return nil
	}
	kind := p.value.Tag.Get("complete")
	if kind == "" {
		return nil
	}
	if data := p.given["data"]; data != "" {
		a.flags["data"] = data
	}
	a.configFile = cmp.Or(p.given["config"], a.configFile)
	cfg, err := a.config()
	if err != nil {
		return nil
	}
	if holds, err := datadir.Dir(cfg.Data).Holds(); !cfg.Production() && (err != nil || !holds) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionTime)
	defer cancel()
	s, err := sqldb.Open(ctx, installation.DatabaseURL(cfg))
	if err != nil {
		return nil
	}
	defer func() { _ = s.Close() }() // nothing was written
	names, err := storedNames(ctx, s, kind, cmp.Or(p.given["tenant"], storage.DefaultTenant), beginning)
	if err != nil {
		return nil
	}
	return names
}

// storedNames returns names of the kind. All of them need not begin with the text.
func storedNames(ctx context.Context, s store, kind, tenant, beginning string) (names []string, err error) {
	switch kind {
	case "user":
		return s.NamesFrom(ctx, tenant, beginning, completionNames)
	case "client":
		all, err := s.Clients(ctx, tenant, before(beginning), completionNames)
		for _, c := range all {
			names = append(names, c.ClientID)
		}
		return names, err
	case "tenant":
		all, err := s.Tenants(ctx, before(beginning), completionNames)
		for _, t := range all {
			names = append(names, t.ID)
		}
		return names, err
	case "key":
		all, err := s.Keys(ctx, tenant, time.Time{})
		for _, k := range all {
			names = append(names, k.ID)
		}
		return names, err
	case "mail":
		all, err := s.DeadDeliveries(ctx, tenant, before(beginning), completionNames)
		for _, m := range all {
			names = append(names, m.ID)
		}
		return names, err
	case "secret":
		all, err := s.MasterSecrets(ctx)
		for _, m := range all {
			names = append(names, m.Fingerprint)
		}
		return names, err
	}
	return nil, nil
}

// before returns a text that comes before all texts that begin with this one, and after nearly all others.
func before(beginning string) string {
	if beginning == "" {
		return ""
	}
	last := len(beginning) - 1
	return beginning[:last] + string(rune(beginning[last]-1)) + "~"
}
