package engine

import (
	"context"
	"errors"
	"strings"
)

// Open opens the database that the URL names, without looking at its schema, and reports whether it is
// PostgreSQL. It counts statements with m. See sqldb.Open for the URLs.
func Open(_ context.Context, url string, m *Meter) (e Engine, isPostgres bool, err error) {
	switch scheme, rest, _ := strings.Cut(url, ":"); scheme {
	case "sqlite":
		l, err := openSQLite(strings.TrimPrefix(rest, "//"), m)
		return l, false, err
	case "postgres", "postgresql":
		p, err := openPostgres(url, m)
		return p, true, err
	}
	return nil, false, errors.New("want sqlite:PATH, sqlite::memory: or postgres://…")
}
