package storage

import (
	"context"
	"time"
)

// Answer is the answer to a request that its client may repeat, and that must not be carried out twice.
type Answer struct {
	TenantID string
	Key      string // names the client and the key that it chose
	Request  []byte // a MAC of the request
	// Status is the HTTP status; 0 while the request is being carried out.
	Status   int64
	Location string
	Body     []byte // without secrets
	// LeaseEnds is until when nothing else may carry the request out, even if it has changed nothing: its server may
	// have been killed. It tells one reservation of the key from a later one. A stored answer is read without it.
	LeaseEnds time.Time
	ExpiresAt time.Time
	// CarriedOut says, while Status is 0, that the request has changed something.
	CarriedOut bool
}

// Answers keeps the answers to requests. Each reservation of a key ends after the one before, so that LeaseEnds tells
// them apart.
type Answers interface {
	// ReserveAnswer stores that the request is being carried out. ErrExists: there is an answer with the key that has
	// not expired, or a reservation whose lease has not ended or whose request has changed something. Of two calls at
	// the same time, one succeeds.
	ReserveAnswer(ctx context.Context, a Answer, now time.Time) error
	// KeepAnswer stores the status, location and body of a reserved answer, unless another reservation has taken its
	// place.
	KeepAnswer(ctx context.Context, a Answer) error
	// DropAnswer forgets a reserved answer, unless its request has changed something.
	DropAnswer(ctx context.Context, a Answer) error
	// Answer returns the answer with the key. ErrNotFound also if it has expired.
	Answer(ctx context.Context, tenant, key string, now time.Time) (Answer, error)
}

type reservedKey struct{}

// WithReserved returns the context of a request whose answer was reserved. A change in it that carries events is made
// only while the reservation stands, and marks it as carried out in the same transaction. ErrUnavailable: another
// reservation has taken its place, and nothing is changed.
func WithReserved(ctx context.Context, a Answer) context.Context {
	return context.WithValue(ctx, reservedKey{}, &a)
}

// Reserved returns the reserved answer of the context's request, or nil.
func Reserved(ctx context.Context) *Answer {
	a, _ := ctx.Value(reservedKey{}).(*Answer)
	return a
}
