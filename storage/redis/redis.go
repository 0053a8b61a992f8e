// Package redis keeps in Redis what may be lost: counters and short-lived values that all
// replicas share.
//
// Nothing that must happen once is decided here. When Redis fails or loses data, users can
// still sign in and clients get tokens.
package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
)

// prefix keeps our keys apart from those of others that use the same Redis.
const prefix = "vouchsafe:"

// maxWait bounds a call whose context has no deadline: a user who signs in must not wait
// for a counter.
const maxWait = 2 * time.Second

// Store implements ephemeral.Store. It needs Redis 6.2 or newer.
type Store struct {
	client redis.UniversalClient
	away   away
}

var _ ephemeral.Store = (*Store)(nil)

// newStore returns a store of the client. It sends nothing yet.
func newStore(client redis.UniversalClient) *Store {
	s := &Store{client: client}
	s.away.ping = s.Ping
	return s
}

// Close closes the connections.
func (s *Store) Close() error {
	s.away.close()
	err := s.client.Close() // calls to a silent Redis are cut off, not awaited
	s.away.asking.Wait()
	return err
}

// Put implements ephemeral.Store.
func (s *Store) Put(ctx context.Context, key string, val []byte, ttl time.Duration) error {
	taken := false
	err := s.away.do(ctx, "put", func(ctx context.Context) error {
		err := s.client.Do(ctx, "SET", prefix+key, val, "NX", "PX", milliseconds(ttl)).Err()
		if taken = errors.Is(err, redis.Nil); taken {
			return nil
		}
		return err
	})
	if taken {
		return fmt.Errorf("put: %w", storage.ErrExists)
	}
	return err
}

// Get implements ephemeral.Store.
func (s *Store) Get(ctx context.Context, key string) (val []byte, err error) {
	err = s.away.do(ctx, "get", func(ctx context.Context) error {
		val, err = s.client.Get(ctx, prefix+key).Bytes()
		return err
	})
	return val, err
}

// Take implements ephemeral.Store.
func (s *Store) Take(ctx context.Context, key string) (val []byte, err error) {
	err = s.away.do(ctx, "take", func(ctx context.Context) error {
		val, err = s.client.GetDel(ctx, prefix+key).Bytes()
		return err
	})
	return val, err
}

// Ping implements ephemeral.Store. It asks, whatever came of the last call.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	return fault("ping", s.client.Ping(ctx).Err())
}

// bounded returns ctx with an end: maxWait from now at the latest.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, maxWait) // an earlier deadline stays
}

// milliseconds is at least one: Redis refuses an expiry of zero.
func milliseconds(d time.Duration) int64 { return max(1, d.Milliseconds()) }

// fault returns an error of package storage for one of go-redis: ErrNotFound for a key that is missing, ErrUnavailable
// for all else. op says which operation failed.
func fault(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.Nil):
		return fmt.Errorf("%s: %w", op, storage.ErrNotFound)
	}
	return fmt.Errorf("%s: %w: %w", op, storage.ErrUnavailable, err)
}
