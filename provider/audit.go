package provider

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// record adds to the audit trail: who, when and in which request are filled in. What
// is recorded has happened, so that failing to record it cannot undo it: the log
// then has it alone.
func (p *Provider) record(ctx context.Context, e storage.Event) {
	req := web.RequestOf(ctx)
	id, err := uuid.NewV7()
	e.ID, e.At, e.RequestID, e.IP = id.String(), time.Now(), req.ID, req.IP
	if err == nil {
		err = p.Store.Record(context.WithoutCancel(ctx), e)
	}
	if err != nil {
		p.Log.ErrorContext(ctx, "audit event not stored", "kind", e.Kind, "tenant", e.TenantID, "user", e.UserID, "client", e.ClientID, "request_id", e.RequestID, "error", err)
	}
}
