package storage

import (
	"context"
	"time"
)

// States of an Import.
const (
	ImportReceiving = "receiving" // the file is on its way
	ImportChecking  = "checking"  // a server checks the file, and adds no user
	ImportChecked   = "checked"   // an administrator decides
	ImportAdding    = "adding"    // a server adds users
	ImportDone      = "done"
	ImportStopped   = "stopped" // by an administrator
	ImportFailed    = "failed"
)

// Import is a file of users that an administrator gave to a server. Its file is kept in parts until it ends.
type Import struct {
	TenantID, ID string // the ID is a UUIDv7
	State        string
	// Runner is the process that works at the import, until LeaseEnds; "" for none.
	Runner    string
	LeaseEnds time.Time
	CreatedAt time.Time
	ExpiresAt time.Time // when it is deleted, with its file
	Data      []byte    // what package jobs knows of it, as JSON
}

// Over reports whether no more is done about the import.
func (im Import) Over() bool {
	return im.State == ImportDone || im.State == ImportStopped || im.State == ImportFailed
}

// ImportLine is a row of the file that was not imported, or not as a whole.
type ImportLine struct {
	N    int64 // counts the lines of the import
	Data []byte
}

// Imports keeps files of users for servers that import them beside requests. If a process is killed, another one goes
// on. Sweep deletes those that have expired.
type Imports interface {
	// AddImport stores a new import.
	AddImport(ctx context.Context, im Import) error
	// Import returns the import with the ID.
	Import(ctx context.Context, tenant, id string) (Import, error)
	// ImportsOf lists the latest imports of the tenant, newest first.
	ImportsOf(ctx context.Context, tenant string, limit int) ([]Import, error)
	// CountOpenImports counts the imports of the tenant that are not over. Those that have expired, and those whose file
	// stopped coming, do not count.
	CountOpenImports(ctx context.Context, tenant string, now time.Time) (int64, error)
	// ChangeImport stores now in place of was, and deletes the file if now is over. ErrStale: the import has another
	// state or another runner by now, or is deleted.
	ChangeImport(ctx context.Context, was, now Import) error
	// ClaimImport returns an import that is to be checked or added and that no process works at, and reserves it for
	// the runner until leaseEnds. ErrNotFound: there is none.
	ClaimImport(ctx context.Context, runner string, now, leaseEnds time.Time) (Import, error)
	// AddImportPart stores the nth part of the file, from 0 on.
	AddImportPart(ctx context.Context, tenant, id string, n int64, data []byte) error
	// ImportPart returns the nth part of the file. ErrNotFound: there is no such part.
	ImportPart(ctx context.Context, tenant, id string, n int64) ([]byte, error)
	// RemoveImportParts deletes the file.
	RemoveImportParts(ctx context.Context, tenant, id string) error
	// AddImportLines stores lines, in place of those with the same numbers.
	AddImportLines(ctx context.Context, tenant, id string, lines []ImportLine) error
	// ImportLines lists lines with numbers greater than after, in their order.
	ImportLines(ctx context.Context, tenant, id string, after int64, limit int) ([]ImportLine, error)
	// RemoveImportLines deletes all lines of the import.
	RemoveImportLines(ctx context.Context, tenant, id string) error
}
