package tenants

import (
	"context"
	"errors"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// PutAPI adds the API to the tenant, or replaces the one with its identifier. It reports whether there was none.
// What is wrong with it is Faults. storage.ErrNotFound: there is no such tenant.
func PutAPI(
	ctx context.Context, store storage.Tenants, tenant string, a storage.API, by audit.By,
) (added bool, err error) {
	return PutAPISeen(ctx, store, tenant, a, func(*storage.API) error { return nil }, by)
}

// PutAPISeen is PutAPI if seen returns nil for the API as it is; for nil if there is none. Its error is returned if
// nothing is wrong with the API.
func PutAPISeen(
	ctx context.Context, store storage.Tenants, tenant string, a storage.API, seen func(was *storage.API) error,
	by audit.By,
) (added bool, err error) {
	err = changeSettings(ctx, store, tenant, by, func(t *storage.TenantSettings) (kind string, err error) {
		was := t.API(a.Identifier)
		t.APIs = slices.Clone(t.APIs) // the record may be shared
		if added = was == nil; added {
			t.APIs, kind = append(t.APIs, a), storage.EventAPIAdded
		} else {
			*t.API(a.Identifier), kind = a, storage.EventAPIChanged
		}
		c := &checks{TenantSettings: t}
		if c.apis(); len(c.faults) > 0 {
			return kind, firstOf(CheckAPI(&a), c.faults)
		}
		return kind, seen(was)
	}, a.Identifier)
	return added, err
}

// firstOf returns the faults of the API itself, or all if the fault is one of several together.
func firstOf(own, all Faults) error {
	if len(own) > 0 {
		return own
	}
	return all
}

// RemoveAPI removes the API with its roles. storage.ErrNotFound: there is no such tenant or API.
func RemoveAPI(ctx context.Context, store storage.Tenants, tenant, identifier string, by audit.By) error {
	return RemoveAPISeen(ctx, store, tenant, identifier, func(*storage.API) error { return nil }, by)
}

// RemoveAPISeen is RemoveAPI if seen returns nil for the API as it is.
func RemoveAPISeen(
	ctx context.Context, store storage.Tenants, tenant, identifier string, seen func(was *storage.API) error, by audit.By,
) error {
	return changeSettings(ctx, store, tenant, by, func(t *storage.TenantSettings) (string, error) {
		was := t.API(identifier)
		if was == nil {
			return "", storage.ErrNotFound
		}
		if err := seen(was); err != nil {
			return "", err
		}
		t.APIs = slices.DeleteFunc(slices.Clone(t.APIs), func(a storage.API) bool { return a.Identifier == identifier })
		return storage.EventAPIRemoved, nil
	}, identifier)
}

// changeSettings changes the settings of a tenant, and records the event of the kind that change returns. It reads
// them again if they were changed meanwhile.
func changeSettings(
	ctx context.Context, store storage.Tenants, tenant string, by audit.By,
	change func(*storage.TenantSettings) (kind string, err error), api string,
) error {
	for {
		t, err := store.Tenant(ctx, tenant)
		if err != nil {
			return err
		}
		kind, err := change(&t.Settings)
		if err != nil {
			return err
		}
		e := by(storage.Event{TenantID: tenant, Kind: kind, Detail: map[string]string{"api": api}})
		if err := store.UpdateTenantOf(ctx, t, e); !errors.Is(err, storage.ErrStale) {
			return err
		}
	}
}
