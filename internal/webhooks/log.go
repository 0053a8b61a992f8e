package webhooks

import (
	"context"

	"github.com/vouchsafe/vouchsafe/storage"
)

// States of a delivery.
const (
	Waiting   = "waiting"
	Delivered = "delivered"
	Dead      = "dead" // it was given up
)

// StateOf returns the state of a delivery.
func StateOf(d storage.WebhookDelivery) string {
	switch {
	case d.DoneAt.IsZero():
		return Waiting
	case d.Dead:
		return Dead
	}
	return Delivered
}

// Filter says which deliveries are wanted. Its zero value wants all.
type Filter struct {
	State string   // one of the states, or "" for all
	Event string   // the id of an event, or ""
	Kinds []string // "login.*" stands for all that begin so; none for all
}

// wants reports whether a delivery is wanted.
func (f Filter) wants(d storage.WebhookDelivery) bool {
	return (f.State == "" || f.State == StateOf(d)) && (f.Event == "" || f.Event == d.EventID) &&
		storage.KindIn(d.Kind, f.Kinds)
}

// readAtOnce is how many deliveries Log reads at a time, and mostRead how many before it returns what it has found.
const readAtOnce, mostRead = 500, 5000

// Log returns deliveries of a webhook that a filter wants, newest first: at most limit before a place, 0 for the
// newest. next is the place before which there may be more; 0 if there are none. No index serves filters: Log returns
// fewer than limit, and a next, when it has read some thousands.
func Log(ctx context.Context, store storage.Webhooks, tenant, webhook string, before int64, limit int, f Filter,
) (found []storage.WebhookDelivery, next int64, err error) {
	part := readAtOnce
	if f.State == "" && f.Event == "" && len(f.Kinds) == 0 {
		part = limit + 1
	}
	for read := 0; ; {
		all, err := store.WebhookDeliveries(ctx, tenant, webhook, before, part)
		if err != nil {
			return nil, 0, err
		}
		for _, d := range all {
			if f.wants(d) && len(found) == limit {
				return found, before, nil
			}
			if before = d.Seq; f.wants(d) {
				found = append(found, d)
			}
		}
		if len(all) < part {
			return found, 0, nil
		}
		if read += len(all); read >= mostRead {
			return found, before, nil
		}
	}
}
