package trail

import (
	"context"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
	"github.com/vouchsafe/vouchsafe/storage/sqldb/engine"
)

const (
	reserveAnswer = `
		INSERT INTO answers (tenant_id, hash, request, status, location, body, expires_at)
		VALUES ($1, $2, $3, 0, '', $4, $5)
		ON CONFLICT (tenant_id, hash) DO UPDATE SET
			request = excluded.request, status = 0, location = '', body = excluded.body, expires_at = excluded.expires_at
		WHERE answers.expires_at <= $6`
	keepAnswer = `
		UPDATE answers SET status = $6, location = $7, body = $8, expires_at = $4
		WHERE tenant_id = $1 AND hash = $2 AND status = 0
			AND (location = '' AND expires_at = $3 OR location = $5 AND expires_at = $4)`
	dropAnswer = `
		DELETE FROM answers WHERE tenant_id = $1 AND hash = $2 AND status = 0 AND location = '' AND expires_at = $3`
	answerOf = `
		SELECT request, status, location, body, expires_at FROM answers
		WHERE tenant_id = $1 AND hash = $2 AND expires_at > $3`
	// RemoveAnswers deletes those of a tenant.
	RemoveAnswers = `DELETE FROM answers WHERE tenant_id = $1`
	// SweepAnswers deletes those that have expired, as the statements of Sweep do.
	SweepAnswers = `
		DELETE FROM answers WHERE (tenant_id, hash) IN (
			SELECT tenant_id, hash FROM answers
			WHERE expires_at <= $1 AND expires_at >= $2 ORDER BY expires_at LIMIT $3)
		RETURNING expires_at`
)

// ReserveAnswer implements storage.Answers.
func (t *Trail) ReserveAnswer(ctx context.Context, a storage.Answer, now time.Time) error {
	err := engine.MustPut(ctx, t.Engine, storage.ErrExists, reserveAnswer, a.TenantID, column.Hash(a.Key), a.Request,
		[]byte{}, column.Micros(a.LeaseEnds), column.Micros(now))
	return engine.Named(err, "reserve answer in", a.TenantID)
}

// KeepAnswer implements storage.Answers.
func (t *Trail) KeepAnswer(ctx context.Context, a storage.Answer) error {
	body := a.Body
	if body == nil {
		body = []byte{}
	}
	_, err := engine.Put(ctx, t.Engine, keepAnswer, reservation(a, a.Status, a.Location, body)...)
	return engine.Named(err, "keep answer in", a.TenantID)
}

// DropAnswer implements storage.Answers.
func (t *Trail) DropAnswer(ctx context.Context, a storage.Answer) error {
	_, err := engine.Put(ctx, t.Engine, dropAnswer, a.TenantID, column.Hash(a.Key), column.Micros(a.LeaseEnds))
	return engine.Named(err, "drop answer in", a.TenantID)
}

// Answer implements storage.Answers.
func (t *Trail) Answer(ctx context.Context, tenant, key string, now time.Time) (storage.Answer, error) {
	scan := func(row engine.Scanner) (storage.Answer, error) {
		a := storage.Answer{TenantID: tenant, Key: key}
		err := row.Scan(column.Bytes(&a.Request), &a.Status, &a.Location, column.Bytes(&a.Body), column.Time(&a.ExpiresAt))
		if a.Status == 0 && a.Location == carriedOut {
			a.Location, a.CarriedOut = "", true
		}
		return a, err
	}
	a, err := engine.One(ctx, t.Engine, answerOf, []any{tenant, column.Hash(key), column.Micros(now)}, scan)
	return a, engine.Named(err, "answer in", tenant)
}
