package uploads

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

// Uploads implements storage.Imports.
type Uploads struct{ Engine engine.Engine }

const columns = `tenant_id, id, state, runner, lease_ends, created_at, expires_at, data`

// scan reads a row of columns.
func scan(row engine.Scanner) (im storage.Import, err error) {
	err = row.Scan(&im.TenantID, &im.ID, &im.State, &im.Runner, column.Time(&im.LeaseEnds), column.Time(&im.CreatedAt),
		column.Time(&im.ExpiresAt), column.Bytes(&im.Data))
	return im, err
}

const (
	addImport     = `INSERT INTO imports (` + columns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	importByID    = `SELECT ` + columns + ` FROM imports WHERE tenant_id = $1 AND id = $2`
	latestImports = `SELECT ` + columns + ` FROM imports WHERE tenant_id = $1 ORDER BY id DESC LIMIT $2`
	countOpen     = `
		SELECT COUNT(*) FROM imports
		WHERE tenant_id = $1 AND expires_at > $2
			AND (state IN ('checking', 'checked', 'adding') OR state = 'receiving' AND lease_ends > $2)`
	changeImport = `
		UPDATE imports SET state = $5, runner = $6, lease_ends = $7, expires_at = $8, data = $9
		WHERE tenant_id = $1 AND id = $2 AND state = $3 AND runner = $4`
	// The condition stands twice: of two processes that find the same row, PostgreSQL has the second look again.
	claimImport = `
		UPDATE imports SET runner = $1, lease_ends = $3
		WHERE state IN ('checking', 'adding') AND lease_ends <= $2 AND (tenant_id, id) IN (
			SELECT tenant_id, id FROM imports
			WHERE state IN ('checking', 'adding') AND lease_ends <= $2 ORDER BY lease_ends LIMIT 1)
		RETURNING ` + columns
	// A lease that ends too late to be one ($2) was taken while a clock was ahead.
	claimFarImport = `
		UPDATE imports SET runner = $1, lease_ends = $3
		WHERE state IN ('checking', 'adding') AND lease_ends > $2 AND (tenant_id, id) IN (
			SELECT tenant_id, id FROM imports
			WHERE state IN ('checking', 'adding') AND lease_ends > $2 ORDER BY lease_ends LIMIT 1)
		RETURNING ` + columns

	addImportPart     = `INSERT INTO import_parts (tenant_id, import_id, n, data) VALUES ($1, $2, $3, $4)`
	importPart        = `SELECT data FROM import_parts WHERE tenant_id = $1 AND import_id = $2 AND n = $3`
	removeImportParts = `DELETE FROM import_parts WHERE tenant_id = $1 AND import_id = $2`

	removeSomeLines = `DELETE FROM import_lines WHERE tenant_id = $1 AND import_id = $2 AND n >= $3 AND n <= $4`
	addImportLines  = `INSERT INTO import_lines (tenant_id, import_id, n, data) VALUES `
	importLines     = `
		SELECT n, data FROM import_lines WHERE tenant_id = $1 AND import_id = $2 AND n > $3 ORDER BY n LIMIT $4`
	removeImportLines = `DELETE FROM import_lines WHERE tenant_id = $1 AND import_id = $2`

	// SweepImports deletes imports that have expired, as the statements of storage.Maintenance do. Foreign keys take along
	// their files and lines.
	SweepImports = `
		DELETE FROM imports WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM imports
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3)
		RETURNING expires_at`
)

// AddImport implements storage.Imports.
func (s *Uploads) AddImport(ctx context.Context, im storage.Import) error {
	_, err := engine.Put(ctx, s.Engine, addImport, im.TenantID, im.ID, im.State, im.Runner, column.Micros(im.LeaseEnds),
		column.Micros(im.CreatedAt), column.Micros(im.ExpiresAt), im.Data)
	return engine.Named(err, "add import", im.ID)
}

// Import implements storage.Imports.
func (s *Uploads) Import(ctx context.Context, tenant, id string) (storage.Import, error) {
	im, err := engine.One(ctx, s.Engine, importByID, []any{tenant, id}, scan)
	return im, engine.Named(err, "import", id)
}

// ImportsOf implements storage.Imports.
func (s *Uploads) ImportsOf(ctx context.Context, tenant string, limit int) ([]storage.Import, error) {
	all, err := engine.All(ctx, s.Engine, latestImports, []any{tenant, limit}, scan)
	return all, engine.Named(err, "imports of", tenant)
}

// CountOpenImports implements storage.Imports.
func (s *Uploads) CountOpenImports(ctx context.Context, tenant string, now time.Time) (int64, error) {
	n, err := engine.One(ctx, s.Engine, countOpen, []any{tenant, column.Micros(now)}, engine.ScanCount)
	return n, engine.Named(err, "count imports of", tenant)
}

// ChangeImport implements storage.Imports.
func (s *Uploads) ChangeImport(ctx context.Context, was, now storage.Import) error {
	args := []any{was.TenantID, was.ID, was.State, was.Runner, now.State, now.Runner, column.Micros(now.LeaseEnds),
		column.Micros(now.ExpiresAt), now.Data}
	if !now.Over() {
		return engine.Named(engine.MustPut(ctx, s.Engine, storage.ErrStale, changeImport, args...), "change import", was.ID)
	}
	err := s.Engine.Transact(ctx, func(c engine.Conn) error {
		if err := engine.Must(c, storage.ErrStale, changeImport, args...); err != nil {
			return err
		}
		_, err := c.Exec(removeImportParts, was.TenantID, was.ID)
		return err
	})
	return engine.Named(err, "change import", was.ID)
}

// ClaimImport implements storage.Imports.
func (s *Uploads) ClaimImport(
	ctx context.Context, runner string, now, leaseEnds time.Time,
) (im storage.Import, err error) {
	im, err = s.claim(ctx, claimImport, runner, now, leaseEnds)
	if errors.Is(err, storage.ErrNotFound) {
		im, err = s.claim(ctx, claimFarImport, runner, now.Add(10*leaseEnds.Sub(now)), leaseEnds)
	}
	return im, engine.Wrapped(err, "claim import")
}

// claim runs a statement that reserves an import.
func (s *Uploads) claim(
	ctx context.Context, query, runner string, bound, leaseEnds time.Time,
) (im storage.Import, err error) {
	err = s.Engine.Write(ctx, func(c engine.Conn) (err error) {
		im, err = scan(c.Row(query, runner, column.Micros(bound), column.Micros(leaseEnds)))
		return err
	})
	return im, err
}

// AddImportPart implements storage.Imports.
func (s *Uploads) AddImportPart(ctx context.Context, tenant, id string, n int64, data []byte) error {
	_, err := engine.Put(ctx, s.Engine, addImportPart, tenant, id, n, data)
	return engine.Named(err, "add a part of import", id)
}

// ImportPart implements storage.Imports.
func (s *Uploads) ImportPart(ctx context.Context, tenant, id string, n int64) ([]byte, error) {
	read := func(row engine.Scanner) (b []byte, err error) {
		err = row.Scan(column.Bytes(&b))
		return b, err
	}
	data, err := engine.One(ctx, s.Engine, importPart, []any{tenant, id, n}, read)
	return data, engine.Named(err, "part of import", id)
}

// RemoveImportParts implements storage.Imports.
func (s *Uploads) RemoveImportParts(ctx context.Context, tenant, id string) error {
	_, err := engine.Put(ctx, s.Engine, removeImportParts, tenant, id)
	return engine.Named(err, "remove the file of import", id)
}

// AddImportLines implements storage.Imports.
func (s *Uploads) AddImportLines(ctx context.Context, tenant, id string, all []storage.ImportLine) error {
	if len(all) == 0 {
		return nil
	}
	err := s.Engine.Transact(ctx, func(c engine.Conn) error {
		if _, err := c.Exec(removeSomeLines, tenant, id, all[0].N, all[len(all)-1].N); err != nil {
			return err
		}
		for some := range slices.Chunk(all, linesAtOnce) {
			rows := make([][]any, 0, len(some))
			for _, l := range some {
				rows = append(rows, []any{tenant, id, l.N, l.Data})
			}
			if err := engine.InsertAll(c, addImportLines, rows); err != nil {
				return err
			}
		}
		return nil
	})
	return engine.Named(err, "add lines of import", id)
}

// linesAtOnce is how many lines are made into rows at a time.
const linesAtOnce = 256

// ImportLines implements storage.Imports.
func (s *Uploads) ImportLines(
	ctx context.Context, tenant, id string, after int64, limit int,
) ([]storage.ImportLine, error) {
	read := func(row engine.Scanner) (l storage.ImportLine, err error) {
		err = row.Scan(&l.N, column.Bytes(&l.Data))
		return l, err
	}
	all, err := engine.All(ctx, s.Engine, importLines, []any{tenant, id, after, limit}, read)
	return all, engine.Named(err, "lines of import", id)
}

// RemoveImportLines implements storage.Imports.
func (s *Uploads) RemoveImportLines(ctx context.Context, tenant, id string) error {
	_, err := engine.Put(ctx, s.Engine, removeImportLines, tenant, id)
	return engine.Named(err, "remove the lines of import", id)
}
