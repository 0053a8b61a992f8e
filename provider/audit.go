package provider

import (
	"context"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// event completes an event of the request.
func event(ctx context.Context, e storage.Event) storage.Event {
	req := web.RequestOf(ctx)
	return audit.Origin{RequestID: req.ID, IP: req.IP}.Event(e)
}

// observe records an event that is part of no change.
func (p *Provider) observe(ctx context.Context, e storage.Event) {
	audit.Writer{Store: p.Store, Log: p.Log}.Observe(ctx, event(ctx, e))
}

// revocation is a change that revokes grants. If it revokes at least one, the event e is recorded with it.
func revocation(ctx context.Context, tenant string, which storage.GrantFilter, why string, e storage.Event) storage.Change {
	e.TenantID = tenant
	e = event(ctx, e)
	return storage.Change{
		TenantID: tenant, Now: e.At, Revoke: []storage.Revocation{{GrantFilter: which, Why: why}},
		OnEnd: func(ended storage.Ended) ([]storage.Delivery, []storage.Event) {
			if len(ended.Grants) == 0 {
				return nil, nil
			}
			return nil, []storage.Event{e}
		},
	}
}
