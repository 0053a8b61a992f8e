package main

import (
	"context"
	"iter"

	"github.com/vouchsafe/vouchsafe/storage"
)

// pageSize is how many records are read at a time.
const pageSize = 200

// listing walks all records of a list that storage gives page by page.
func listing[T any](page func(after string) ([]T, error), id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after := ""; ; {
			some, err := page(after)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range some {
				if !yield(v, nil) {
					return
				}
				after = id(v)
			}
			if len(some) < pageSize {
				return
			}
		}
	}
}

func allClients(ctx context.Context, store storage.Clients, tenant string) iter.Seq2[storage.Client, error] {
	return listing(func(after string) ([]storage.Client, error) { return store.Clients(ctx, tenant, after, pageSize) },
		func(c storage.Client) string { return c.ClientID })
}

func allUsers(ctx context.Context, store storage.Users, tenant string) iter.Seq2[storage.User, error] {
	return listing(func(after string) ([]storage.User, error) { return store.Users(ctx, tenant, after, pageSize) },
		func(u storage.User) string { return u.ID })
}

func allTenants(ctx context.Context, store storage.Tenants) iter.Seq2[storage.Tenant, error] {
	return listing(func(after string) ([]storage.Tenant, error) { return store.Tenants(ctx, after, pageSize) },
		func(t storage.Tenant) string { return t.ID })
}
