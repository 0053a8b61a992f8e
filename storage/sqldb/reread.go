package sqldb

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Each has an index of its own, which has no other users.
const (
	usersBeyondASCII = `
		SELECT ` + userColumns + ` FROM users
		WHERE octet_length(email) <> length(email) AND (tenant_id, id) > ($1, $2)
		ORDER BY tenant_id, id LIMIT $3`
	usersWithoutSkeleton = `
		SELECT ` + userColumns + ` FROM users
		WHERE username_key <> '' AND username_skeleton = '' AND (tenant_id, id) > ($1, $2)
		ORDER BY tenant_id, id LIMIT $3`
)

// UsersToReread implements storage.Users.
func (s *Store) UsersToReread(ctx context.Context, tenant, after string, limit int) ([]storage.User, error) {
	all, err := list(ctx, s, usersBeyondASCII, []any{tenant, after, limit}, scanUser)
	if err == nil {
		var more []storage.User
		more, err = list(ctx, s, usersWithoutSkeleton, []any{tenant, after, limit}, scanUser)
		all = append(all, more...)
	}
	if err != nil {
		return nil, named(err, "users to reread after", after)
	}
	slices.SortFunc(all, func(a, b storage.User) int {
		return cmp.Or(cmp.Compare(a.TenantID, b.TenantID), cmp.Compare(a.ID, b.ID))
	})
	all = slices.CompactFunc(all, func(a, b storage.User) bool { return a.TenantID == b.TenantID && a.ID == b.ID })
	return all[:min(len(all), limit)], nil
}

const reread = `
	UPDATE users SET email = $3, email_key = $4, email_verified = $5, username_skeleton = $6
	WHERE tenant_id = $1 AND id = $2 AND email = $7 AND email_key = $8 AND email_verified = $9 AND username_key = $10`

// Reread implements storage.Users.
func (s *Store) Reread(ctx context.Context, was, now storage.User) error {
	err := s.must(ctx, storage.ErrStale, reread, was.TenantID, was.ID, now.Email, now.EmailKey,
		now.EmailVerified, now.UsernameSkeleton,
		was.Email, was.EmailKey, was.EmailVerified, was.UsernameKey)
	return named(err, "reread", was.ID)
}

const (
	addressesOf = `
		SELECT DISTINCT ip FROM audit
		WHERE tenant_id = $1 AND id > $2 AND id <= $3 AND ip <> ''`
	// $4 is a JSON object of those that become others. PostgreSQL wants to be told that it is;
	// SQLite would take the same words for a cast to a number.
	shortenSomeSQLite = `
		UPDATE audit SET ip = $4 ->> ip
		WHERE tenant_id = $1 AND id > $2 AND id <= $3 AND ip <> '' AND $4 ->> ip IS NOT NULL`
	shortenSomePostgres = `
		UPDATE audit SET ip = CAST($4 AS JSON) ->> ip
		WHERE tenant_id = $1 AND id > $2 AND id <= $3 AND ip <> '' AND CAST($4 AS JSON) ->> ip IS NOT NULL`
)

// shortenAddresses makes networks of addresses that are older than life, from where it came
// to last.
func (s *Store) shortenAddresses(ctx context.Context, tenant string, life time.Duration, now time.Time,
	told func(int64),
) error {
	const name = "addresses"
	if life <= 0 {
		return nil
	}
	last, err := s.markBy(ctx, tenant, name, now)
	if err != nil {
		return err
	}
	from, end := last.value, storage.IDAt(now.Add(-life))
	if end <= from {
		return nil
	}
	err = s.paced(ctx, func(rows int) (more bool, held time.Duration, err error) {
		key, err := s.edge(ctx, walk{edge: edgeOfAudit, args: []any{tenant}}, from, rows)
		to, _ := key.(string)
		switch {
		case errors.Is(err, storage.ErrNotFound) || err == nil && to >= end:
			to = end
		case err != nil:
			return false, 0, err
		default:
			more = true
		}
		n, held, err := s.shortenPart(ctx, tenant, from, to)
		told(n)
		from = to
		return more, held, err
	})
	if err == nil {
		err = s.setMark(ctx, tenant, name, mark{end, now})
	}
	return err
}

// shortenPart shortens the addresses of the events with ids after from up to to. It returns how many it changed,
// and how long that held up other work.
func (s *Store) shortenPart(ctx context.Context, tenant, from, to string) (n int64, held time.Duration, err error) {
	found, err := list(ctx, s, addressesOf, []any{tenant, from, to}, scanText)
	if err != nil {
		return 0, 0, err
	}
	others := map[string]string{}
	for _, full := range found {
		if short := shortened(full); short != full {
			others[full] = short
		}
	}
	if len(others) == 0 {
		return 0, 0, nil
	}
	text, err := json.Marshal(others)
	if err != nil {
		return 0, 0, err
	}
	query := shortenSomeSQLite
	if s.postgres {
		query = shortenSomePostgres
	}
	return s.timed(ctx, walk{do: query}, []any{tenant, from, to, string(text)})
}

// shortened is the network of an address: a /24, or a /48 of IPv6. What is one already stays,
// and what is no address goes.
func shortened(ip string) string {
	if _, err := netip.ParsePrefix(ip); err == nil {
		return ip
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	bits := 48
	if addr = addr.Unmap().WithZone(""); addr.Is4() {
		bits = 24
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return ""
	}
	return network.String()
}
