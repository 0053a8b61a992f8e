package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// removeEvery is how often a server looks for what is being removed.
	removeEvery = 20 * time.Second
	// removeLease is how long a process has a removal for itself. It goes on for less, so that
	// it is not begun elsewhere before it was given up here.
	removeLease = time.Minute
	removeSpell = 45 * time.Second
)

// removals goes on with what is being removed, by this replica or another. What its own start
// has removed comes first: others let it alone with that for a while.
func (s *server) removals(ctx context.Context) {
	for _, id := range s.removed {
		r, err := s.store.HoldRemoval(ctx, storage.DefaultTenant, storage.RemovalClient, id, time.Now().Add(removeLease))
		if err == nil {
			err = s.carryOn(ctx, r)
		}
		if err != nil && !errors.Is(err, storage.ErrNotFound) && ctx.Err() == nil {
			s.log.WarnContext(ctx, "remove", "error", err)
		}
	}
	s.every(ctx, removeEvery, "remove", func(ctx context.Context) error {
		for {
			now := time.Now()
			r, err := s.store.ClaimRemoval(ctx, now, now.Add(removeLease))
			if errors.Is(err, storage.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := s.carryOn(ctx, r); err != nil {
				return err
			}
		}
	})
}

// carryOn goes on with one to its end, as long as this replica has it.
func (s *server) carryOn(ctx context.Context, r storage.Removal) error {
	rows, err := removeRest(ctx, s.store, r, func(int64) {})
	if rows > 0 {
		s.log.InfoContext(ctx, "removed what hung on something", "kind", r.Kind, "tenant", r.TenantID, "id", r.ID, "rows", rows, "done", err == nil)
	}
	return err
}

// removeRest goes on with a removal that this process has, and tells of the rows so far.
func removeRest(ctx context.Context, s storage.Removals, r storage.Removal, told func(rows int64)) (rows int64, err error) {
	for {
		spell, cancel := context.WithTimeout(ctx, removeSpell)
		err := s.CarryOn(spell, r, func(n int64) { rows += n; told(rows) })
		over := spell.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil || !over {
			return rows, err
		}
		_, err = s.HoldRemoval(ctx, r.TenantID, r.Kind, r.ID, time.Now().Add(removeLease))
		if errors.Is(err, storage.ErrNotFound) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
	}
}

// finishRemoval removes the rest of what a command has removed, and says what is left when
// it cannot: the removal itself is done in any case.
func (a *app) finishRemoval(ctx context.Context, s store, tenant, kind, id string) error {
	r, err := s.HoldRemoval(ctx, tenant, kind, id, time.Now().Add(removeLease))
	if errors.Is(err, storage.ErrNotFound) {
		return nil // it was small
	}
	p := a.progress(0)
	var rows int64
	if err == nil {
		rows, err = removeRest(ctx, s, r, func(rows int64) { p.show(0, fmt.Sprintf("%d rows that hung on it are removed", rows)) })
		p.clear()
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "The %s is removed, and works nowhere. Of what hung on it %d rows are gone; servers go on with the rest. (%v)\n", kind, rows, err)
	}
	return nil
}
