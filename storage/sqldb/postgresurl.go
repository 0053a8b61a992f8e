package sqldb

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// parsePostgres reads the URL of a database. What is wrong with it is told without the
// password.
func parsePostgres(url string) (*pgxpool.Config, error) {
	if !unmistakable(url) {
		return nil, errors.New("want postgres://USER:PASSWORD@HOST:PORT/NAME, with every other @, and all else that is " +
			"special in the password, percent-encoded")
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err // pgx leaves the password out, where it is clear which part that is
	}
	parsed := config.ConnConfig
	if parsed.ConnectTimeout == 0 {
		parsed.ConnectTimeout = max(connectTimeout/time.Duration(servers(&parsed.Config)), leastConnectTimeout)
	}
	if parsed.RuntimeParams["application_name"] == "" {
		parsed.RuntimeParams["application_name"] = "vouchsafe"
	}
	// pgxpool's default is the number of cores, at least 4, as if the server were idle
	// while we wait for its disk.
	if !strings.Contains(url, "pool_max_conns=") {
		config.MaxConns = int32(max(16, 4*runtime.GOMAXPROCS(0)))
	}
	return config, nil
}

// unmistakable reports whether the URL can be read in one way only. Part of a password with a / or a
// second @ in it would otherwise be taken for a host or a database, and would stand in the log in the
// message that it cannot be reached.
func unmistakable(url string) bool {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || scheme != "postgres" && scheme != "postgresql" || strings.Contains(rest, "#") {
		return false
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority = rest[:end]
	}
	at := strings.Count(rest, "@")
	return at == 0 || at == 1 && strings.Contains(authority, "@")
}

// servers is how many the URL names. Each may be there twice, with TLS and without.
func servers(c *pgconn.Config) int {
	named := map[string]bool{fmt.Sprint(c.Host, c.Port): true}
	for _, f := range c.Fallbacks {
		named[fmt.Sprint(f.Host, f.Port)] = true
	}
	return len(named)
}
