package storage

import "errors"

var (
	// ErrNotFound says that the tenant has no such record.
	ErrNotFound = errors.New("not found")
	// ErrExists says that the record, or another one with the same unique value, exists already.
	ErrExists = errors.New("already exists")
	// ErrStale says that the record was changed or used up meanwhile: the caller has lost a race.
	ErrStale = errors.New("changed or spent meanwhile")
	// ErrUnavailable says that the backend did not answer, or could not write. Nothing was decided, and
	// the caller may try again. Backends wrap every failure of their engine in it. HTTP handlers answer
	// it with 503 and Retry-After.
	ErrUnavailable = errors.New("storage unavailable")
	// ErrLastOwner says that a tenant would lose its last owner: see Change.
	ErrLastOwner = errors.New("the last owner")
)
