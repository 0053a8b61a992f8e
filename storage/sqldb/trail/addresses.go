package trail

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/parts"
)

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
func (t *Trail) shortenAddresses(ctx context.Context, tenant string, life time.Duration, now time.Time,
	told func(int64),
) error {
	const name = "addresses"
	if life <= 0 {
		return nil
	}
	last, err := t.markBy(ctx, tenant, name, now)
	if err != nil {
		return err
	}
	from, end := last.value, storage.IDAt(now.Add(-life))
	if end <= from {
		return nil
	}
	err = t.Worker.InParts(ctx, func(rows int) (more bool, held time.Duration, err error) {
		key, err := t.Worker.Edge(ctx, parts.Walk{Edge: EdgeOfAudit, Args: []any{tenant}}, from, rows)
		to, _ := key.(string)
		switch {
		case errors.Is(err, storage.ErrNotFound) || err == nil && to >= end:
			to = end
		case err != nil:
			return false, 0, err
		default:
			more = true
		}
		n, held, err := t.shortenPart(ctx, tenant, from, to)
		told(n)
		from = to
		return more, held, err
	})
	if err == nil {
		err = t.setMark(ctx, tenant, name, mark{end, now})
	}
	return err
}

// shortenPart shortens the addresses of the events with ids after from up to to. It returns how many it changed,
// and how long that held up other work.
func (t *Trail) shortenPart(ctx context.Context, tenant, from, to string) (n int64, held time.Duration, err error) {
	found, err := engine.All(ctx, t.Engine, addressesOf, []any{tenant, from, to}, engine.ScanText)
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
	query := t.text(shortenSomeSQLite, shortenSomePostgres)
	return t.Worker.Timed(ctx, parts.Walk{Do: query}, []any{tenant, from, to, string(text)})
}

// shortened returns the network of an address: a /24, or a /48 of IPv6. What is one already stays,
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
