package storage

import "errors"

var (
	// ErrNotFound says that there is no such record in this tenant.
	ErrNotFound = errors.New("not found")
	// ErrExists says that the record, or one with the same unique value, is there already.
	ErrExists = errors.New("already exists")
	// ErrStale says that the record was changed or spent meanwhile: a lost race.
	ErrStale = errors.New("changed or spent meanwhile")
	// ErrUnavailable says that the backend did not answer, or could not write: try
	// again. Backends wrap every failure of their engine in it; at the door it is
	// 503 with Retry-After, and nothing was decided.
	ErrUnavailable = errors.New("storage unavailable")
)
