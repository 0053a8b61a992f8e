package sqldb_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

// eachBench runs a benchmark on each engine, with some goroutines at once.
func eachBench(b *testing.B, goroutines []int, run func(b *testing.B, s *sqldb.Store) func() error) {
	for _, e := range engines {
		for _, n := range goroutines {
			b.Run(e.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				s := open(b, e.url(b))
				populate(b, s)
				call := run(b, s)
				var left atomic.Int64
				left.Store(int64(b.N))
				failed := make(chan error, n)
				b.ReportAllocs()
				b.ResetTimer()
				for range n {
					go func() {
						for left.Add(-1) >= 0 {
							if err := call(); err != nil {
								failed <- err
								return
							}
						}
						failed <- nil
					}()
				}
				for range n {
					if err := <-failed; err != nil {
						b.Error(err)
					}
				}
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
			})
		}
	}
}

func BenchmarkRedeemCode(b *testing.B) {
	eachBench(b, []int{1, 64}, func(b *testing.B, s *sqldb.Store) func() error {
		return func() error {
			id := uuid.Must(uuid.NewV7()).String()
			_, err := s.RedeemCode(context.Background(), grant(id, id), nil)
			return err
		}
	})
}

func BenchmarkRotate(b *testing.B) {
	eachBench(b, []int{1}, func(b *testing.B, s *sqldb.Store) func() error {
		if _, err := s.RedeemCode(context.Background(), grant("grant", "code"), nil); err != nil {
			b.Fatal(err)
		}
		generation := int64(1)
		return func() error {
			g, _, err := s.Rotate(context.Background(), "default", "grant", "client", generation, now.Add(time.Hour), now, nil)
			generation = g.Generation
			return err
		}
	})
}

func BenchmarkLiveGrant(b *testing.B) {
	eachBench(b, []int{1, 16}, func(b *testing.B, s *sqldb.Store) func() error {
		if _, err := s.RedeemCode(context.Background(), grant("grant", "code"), nil); err != nil {
			b.Fatal(err)
		}
		return func() error {
			_, _, err := s.LiveGrant(context.Background(), "default", "grant", "jti", now, nil)
			return err
		}
	})
}

func BenchmarkClient(b *testing.B) {
	eachBench(b, []int{1, 16}, func(b *testing.B, s *sqldb.Store) func() error {
		return func() error {
			_, err := s.Client(context.Background(), "default", "client")
			return err
		}
	})
}
