package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"

	"github.com/vouchsafe/vouchsafe/storage"
)

type userExportCmd struct {
	Hashes bool `help:"Include password hashes: protect the output like the database."`
	tenantFlag
}

// Run writes one JSON object a line, as import reads them.
func (c *userExportCmd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(s store) error {
		if err := hasTenant(ctx, s, c.Tenant); err != nil {
			return err
		}
		w := bufio.NewWriter(a.stdout)
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for u, err := range allUsers(ctx, s, c.Tenant) {
			if err != nil {
				return err
			}
			row, err := c.row(ctx, s, u)
			if err != nil {
				return err
			}
			if err := enc.Encode(row); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if !c.Hashes {
			return nil
		}
		return record(ctx, s, storage.Event{TenantID: c.Tenant, Kind: storage.EventUsersExported, Detail: map[string]string{"hashes": "true"}})
	})
}

func (c *userExportCmd) row(ctx context.Context, s store, u storage.User) (personRow, error) {
	row := personRow{
		ID: u.ID, Email: u.Email, EmailVerified: u.EmailVerified, Username: u.Username, Phone: u.Phone, PhoneVerified: u.PhoneVerified,
		Profile: u.Profile, Roles: u.Roles, Disabled: u.Disabled, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	if !c.Hashes {
		return row, nil
	}
	cred, err := s.Credential(ctx, u.TenantID, u.ID, storage.PasswordCredential, "")
	if errors.Is(err, storage.ErrNotFound) {
		return row, nil
	}
	if err != nil {
		return row, err
	}
	row.PasswordHash, err = json.Marshal(string(cred.Data))
	return row, err
}
