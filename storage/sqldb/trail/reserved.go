package trail

import (
	"context"
	"errors"
	"fmt"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

// carriedOut stands for the location of an answer whose request has changed something, and is not answered yet.
const carriedOut = "carried out"

// A reservation expires with its lease until its request has changed something: then, as an answer does.
const markAnswer = `
	UPDATE answers SET location = $5, expires_at = $4
	WHERE tenant_id = $1 AND hash = $2 AND status = 0
		AND (location = '' AND expires_at = $3 OR location = $5 AND expires_at = $4)`

// reservation returns the arguments that name a reserved answer: $1 to $5.
func reservation(a storage.Answer, more ...any) []any {
	named := []any{a.TenantID, column.Hash(a.Key), column.Micros(a.LeaseEnds), column.Micros(a.ExpiresAt), carriedOut}
	return append(named, more...)
}

// errTakenOver says that another reservation has taken the place of the request's. To the engine it is an error of the
// change: storage.ErrUnavailable would be one of the connection.
var errTakenOver = errors.New("another request with the key is being carried out")

// Change is the engine's Transact for a change that the request of the context makes: if an answer was reserved for
// the request, the change marks it as carried out. See storage.WithReserved.
func Change(ctx context.Context, e engine.Engine, change func(engine.Conn) error) error {
	a := storage.Reserved(ctx)
	if a == nil {
		return e.Transact(ctx, change)
	}
	err := e.Transact(ctx, func(c engine.Conn) error {
		if err := engine.Must(c, errTakenOver, markAnswer, reservation(*a)...); err != nil {
			return err
		}
		return change(c)
	})
	if errors.Is(err, errTakenOver) {
		return fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
	}
	return err
}
