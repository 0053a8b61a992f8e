package oauth

import (
	"cmp"
	"context"
	"time"

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
// grant ends. If e names no user, it is about the user of that grant.
func Revocation(ctx context.Context, tenant string, which storage.GrantFilter, why string,
	e storage.Event,
) storage.Change {
	e.TenantID = tenant
	return storage.Change{
		TenantID: tenant, Now: time.Now(), Revoke: []storage.Revocation{{GrantFilter: which, Why: why}},
		OnEnd: func(ended storage.Ended) ([]storage.Delivery, []storage.Event) {
			if len(ended.Grants) == 0 || ended.Later {
				return nil, nil
			}
			told := e
			told.UserID = cmp.Or(e.UserID, ended.Grants[0].UserID)
			return nil, []storage.Event{Event(ctx, told)}
		},
	}
}
