package redistest_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/vouchsafe/vouchsafe/internal/redistest"
)

func TestServerComesBackEmpty(t *testing.T) {
	s := redistest.StartServer(t)
	options, err := redis.ParseURL(s.NewDatabase())
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(options)
	defer c.Close()
	if err := c.Set(t.Context(), "a", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), "a").Err(); err == nil {
		t.Fatal("the stopped server answers")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), "a").Err(); err != redis.Nil {
		t.Errorf("got %v, want %v", err, redis.Nil)
	}
	a, b := redistest.Start(t), redistest.Start(t)
	if a == b {
		t.Errorf("got %s twice, want two databases", a)
	}
}
