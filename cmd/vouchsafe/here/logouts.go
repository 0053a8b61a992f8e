package here

import (
	"context"
	"iter"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/backchannel"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/storage"
)

func (d *Desk) Logouts(ctx context.Context, client string, f backchannel.Filter) iter.Seq2[storage.Logout, error] {
	return func(yield func(storage.Logout, error) bool) {
		of, from := storage.ClientOf{TenantID: d.tenant(), ClientID: client}, storage.LogoutPlace{}
		_, err := d.Store.Client(ctx, of.TenantID, client)
		for err == nil {
			began := time.Now()
			var all []storage.Logout
			all, from, err = backchannel.Log(ctx, d.Store, of, from, listing.PageSize, f)
			for _, one := range all {
				if !yield(one, nil) {
					return
				}
			}
			if err == nil && from == (storage.LogoutPlace{}) {
				return
			}
			listing.Rest(began)
		}
		yield(storage.Logout{}, err)
	}
}

func (d *Desk) ReplayLogouts(ctx context.Context, client, session string, since, until time.Time) (int64, error) {
	if _, err := d.Store.Client(ctx, d.tenant(), client); err != nil {
		return 0, err
	}
	of := storage.ClientOf{TenantID: d.tenant(), ClientID: client}
	return backchannel.Replay(ctx, d.Store, of, session, since, until, d.By)
}
