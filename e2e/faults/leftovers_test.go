package faults

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// usage is what a process holds, and what its servers hold for it.
type usage struct {
	goroutines, files, backends, redisClients int
}

func (s *site) usage(t *testing.T) usage {
	t.Helper()
	return usage{
		goroutines: int(s.Metric(t, "go_goroutines")), files: int(s.Metric(t, "process_open_fds")),
		backends: s.backends(t), redisClients: s.redisClients(t),
	}
}

// backends returns how many connections PostgreSQL has for the database.
func (s *site) backends(t *testing.T) (n int) {
	t.Helper()
	s.query(t, func(ctx context.Context, c *pgx.Conn) error {
		return c.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid "+
			"<> pg_backend_pid()").Scan(&n)
	})
	return n
}

// query runs a function at the database, not through the proxy.
func (s *site) query(t *testing.T, do func(context.Context, *pgx.Conn) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, s.direct)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if err := do(ctx, c); err != nil {
		t.Fatal(err)
	}
}

func (s *site) redisClients(t *testing.T) int {
	t.Helper()
	c := s.redisClient(t)
	defer c.Close()
	text, err := c.ClientList(context.Background()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return len(regexp.MustCompile(`(?m)^id=`).FindAllString(text, -1))
}

func (s *site) redisClient(t *testing.T) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(s.redis.URL())
	if err != nil {
		t.Fatal(err)
	}
	return redis.NewClient(options)
}

// settles fails the test unless the process soon holds no more than before, apart from connections
// that a pool may open or close at any time.
func (s *site) settles(t *testing.T, before usage) {
	t.Helper()
	const play = 12
	var now usage
	for end := time.Now().Add(45 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		now = s.usage(t)
		if now.goroutines <= before.goroutines+play && now.files <= before.files+play &&
			now.backends <= before.backends+play && now.redisClients <= before.redisClients+play {
			t.Logf("before %+v, after %+v", before, now)
			return
		}
	}
	t.Errorf("left behind: got %+v, and %+v before", now, before)
}
