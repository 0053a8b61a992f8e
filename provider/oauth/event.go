package oauth

import (
	"context"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Event returns e with the request's id and address.
func Event(ctx context.Context, e storage.Event) storage.Event {
	req := web.RequestOf(ctx)
	return audit.Origin{RequestID: req.ID, IP: req.IP}.Event(e)
}

// Revocation returns a change that revokes grants. The event e is recorded only if at least one
// grant ends.
func Revocation(ctx context.Context, tenant string, which storage.GrantFilter, why string,
	e storage.Event,
) storage.Change {
	e.TenantID = tenant
	e = Event(ctx, e)
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
