package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/vouchsafe/vouchsafe/login"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
)

type userCheckCmd struct {
	tenantFlag
	jsonFlag
}

// Help is shown behind the flags.
func (c *userCheckCmd) Help() string {
	return `It lists addresses and user names that an earlier release stored and that today's rules would
refuse. All of these users can still sign in. Soon after it starts, the server itself corrects
what it safely can; agree on the rest with the users.`
}

// checked is a person whose names are odd.
type checked struct {
	ID       string `json:"id"`
	Email    string `json:"email,omitempty"`
	Username string `json:"username,omitempty"`
	Found    string `json:"found"`
}

// Run lists the people of a tenant whose names could not be taken today.
func (c *userCheckCmd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(s store) error {
		if err := hasTenant(ctx, s, c.Tenant); err != nil {
			return err
		}
		odd, n := []checked{}, 0
		for u, err := range allUsers(ctx, s, c.Tenant) {
			if err != nil {
				return err
			}
			n++
			found, err := checkNames(ctx, s, u)
			if err != nil {
				return err
			}
			for _, f := range found {
				odd = append(odd, checked{u.ID, u.Email, u.Username, f})
			}
		}
		if c.JSON {
			return a.printJSON(odd)
		}
		t := a.table("ID", "EMAIL", "USER NAME", "FOUND")
		for _, o := range odd {
			t.row(o.ID, o.Email, o.Username, o.Found)
		}
		if len(odd) > 0 {
			if err := t.flush(); err != nil {
				return err
			}
		}
		fmt.Fprintf(a.stderr, "users: %d, findings: %d\n", n, len(odd))
		return nil
	})
}

// checkNames says what is odd about a person's names.
func checkNames(ctx context.Context, s storage.Users, u storage.User) ([]string, error) {
	var all []string
	now, found := login.RereadUser(u)
	for _, f := range found {
		if other, err := s.UserByEmail(ctx, u.TenantID, now.EmailKey); f == login.FoundDomain && err == nil && other.ID != u.ID {
			f = login.FoundTwice + login.Found(": "+other.ID)
		} else if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, err
		}
		all = append(all, string(f))
	}
	if u.UsernameKey == "" || u.UsernameSkeleton != "" {
		return all, nil
	}
	switch other, err := s.UserBySkeleton(ctx, u.TenantID, username.Skeleton(u.UsernameKey)); {
	case err == nil && other.ID != u.ID:
		all = append(all, string(login.FoundAlike)+": "+other.ID)
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return nil, err
	}
	return all, nil
}
