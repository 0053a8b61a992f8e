package webhooks

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Filter says which deliveries are wanted. Its zero value wants all.
type Filter struct {
	State string   // one of the states, or "" for all
	Event string   // the id of an event, or ""
	Kinds []string // "login.*" stands for all that begin so; none for all
}

// wants reports whether a delivery is wanted.
func (f Filter) wants(d storage.WebhookDelivery) bool {
	return (f.State == "" || f.State == d.State()) && (f.Event == "" || f.Event == d.EventID) &&
		storage.KindIn(d.Kind, f.Kinds)
}

// readAtOnce is how many deliveries Log reads at a time, and mostRead how many before it returns what it has found.
const readAtOnce, mostRead = 500, 5000

// Log returns deliveries of a webhook that a filter wants, newest first: at most limit before a place, 0 for the
// newest. next is the place before which there may be more; 0 if there are none. No index serves filters: Log returns
// fewer than limit, and a next, when it has read some thousands.
func Log(ctx context.Context, store storage.Webhooks, tenant, webhook string, before int64, limit int, f Filter,
) (found []storage.WebhookDelivery, next int64, err error) {
	all := f.State == "" && f.Event == "" && len(f.Kinds) == 0
	return Read(before, limit, all, func(before int64, n int) ([]storage.WebhookDelivery, error) {
		return store.WebhookDeliveries(ctx, tenant, webhook, before, n)
	}, func(d *storage.WebhookDelivery) int64 { return d.Seq },
		func(d *storage.WebhookDelivery) bool { return f.wants(*d) })
}

// Read returns entries of a log that are wanted, as Log does: at most limit behind a place, of which the zero value is
// that before the newest. all says that each entry is wanted.
func Read[Entry any, Place comparable](from Place, limit int, all bool,
	page func(behind Place, limit int) ([]Entry, error), place func(*Entry) Place, wants func(*Entry) bool,
) (found []Entry, next Place, err error) {
	var none Place
	part := readAtOnce
	if all {
		part = limit + 1
	}
	for read := 0; ; {
		entries, err := page(from, part)
		if err != nil {
			return nil, none, err
		}
		for i := range entries {
			wanted := wants(&entries[i])
			if wanted && len(found) == limit {
				return found, from, nil
			}
			if from = place(&entries[i]); wanted {
				found = append(found, entries[i])
			}
		}
		if len(entries) < part {
			return found, none, nil
		}
		if read += len(entries); read >= mostRead {
			return found, from, nil
		}
	}
}
