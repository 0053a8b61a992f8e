package storage

import (
	"context"
	"time"
)

// Ephemeral keeps what may be lost at the price of one retry: counters of
// attempts, short challenges. Keys carry the tenant; backends do not look inside.
type Ephemeral interface {
	// Put stores val for ttl. ErrExists when the key is there.
	Put(ctx context.Context, key string, val []byte, ttl time.Duration) error
	// Get is the value; ErrNotFound when there is none or it has expired.
	Get(ctx context.Context, key string) ([]byte, error)
	// Take gets and deletes: of many callers one succeeds, the others get ErrNotFound.
	Take(ctx context.Context, key string) ([]byte, error)
	// Count adds one to the counter and says its new value. The window starts with
	// the first count and is not prolonged by later ones.
	Count(ctx context.Context, key string, window time.Duration) (int64, error)
	// Forget deletes the key or counter; no error when it is gone.
	Forget(ctx context.Context, key string) error
	// Ping says whether the backend answers.
	Ping(ctx context.Context) error
}

// Maintenance is what keeps a durable store healthy.
type Maintenance interface {
	// Ping says whether the database answers and its schema is this binary's.
	Ping(ctx context.Context) error
	// Sweep deletes what has expired, in batches, and says how many rows went. A grant
	// stays for longer than any code lives: its row is what tells that its code was used.
	Sweep(ctx context.Context, now time.Time) (int64, error)
}
