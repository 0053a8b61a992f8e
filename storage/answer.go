package storage

import (
	"context"
	"time"
)

// Answer is the answer to a request that its client may repeat, and that must not be carried out twice.
type Answer struct {
	TenantID string
	Key      string // names the client and the key that it chose
	Request  []byte // a hash of the request
	// Status is the HTTP status; 0 while the request is being carried out. If the process is killed meanwhile, it
	// stays 0: it is not known what has happened.
	Status    int64
	Location  string
	Body      []byte // without secrets
	ExpiresAt time.Time
}

// Answers keeps the answers to requests.
type Answers interface {
	// ReserveAnswer stores that the request is being carried out. ErrExists: there is an answer with the key that has
	// not expired. Of two calls at the same time, one succeeds.
	ReserveAnswer(ctx context.Context, a Answer, now time.Time) error
	// KeepAnswer stores the status, location and body of a reserved answer.
	KeepAnswer(ctx context.Context, a Answer) error
	// DropAnswer forgets a reserved answer: nothing was carried out.
	DropAnswer(ctx context.Context, tenant, key string) error
	// Answer returns the answer with the key. ErrNotFound also if it has expired.
	Answer(ctx context.Context, tenant, key string, now time.Time) (Answer, error)
}
