package here

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Keys implements desk.Operations, as the other methods below do.
func (d *Desk) Keys(ctx context.Context) ([]keys.Use, error) {
	stored, err := d.Store.Keys(ctx, d.tenant(), time.Time{})
	return d.Lifetimes.Uses(stored, time.Now()), err
}

func (d *Desk) RotateKeys(ctx context.Context, algorithm string, atOnce bool) (made []keys.Use, err error) {
	var ids []string
	err = d.Keyring(ctx, func(r *keys.Ring) error {
		algs := []string{algorithm}
		if algorithm == "" {
			if algs, err = r.Algorithms(ctx, d.tenant()); err != nil {
				return err
			}
		}
		stored, err := r.Rotate(ctx, d.tenant(), algs, atOnce, d.By)
		for _, k := range stored {
			ids = append(ids, k.ID)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	all, err := d.Keys(ctx)
	return slices.DeleteFunc(all, func(u keys.Use) bool { return !slices.Contains(ids, u.ID) }), err
}

func (d *Desk) RemoveKey(ctx context.Context, kid string) error {
	return d.Store.RemoveKey(ctx, d.tenant(), kid, d.By(storage.Event{TenantID: d.tenant(),
		Kind: storage.EventKeyRemoved, Detail: map[string]string{"kid": kid}}))
}

// messageID returns the id of a message.
func messageID(m storage.Delivery) string { return m.ID }

func (d *Desk) Waiting(ctx context.Context, after string) iter.Seq2[storage.Delivery, error] {
	return from(after, func(after string) ([]storage.Delivery, error) {
		return d.Store.WaitingDeliveries(ctx, d.tenant(), after, listing.PageSize)
	}, messageID)
}

func (d *Desk) Dead(ctx context.Context, after string) iter.Seq2[storage.Delivery, error] {
	return from(after, func(after string) ([]storage.Delivery, error) {
		return d.Store.DeadDeliveries(ctx, d.tenant(), after, listing.PageSize)
	}, messageID)
}

func (d *Desk) RetryMail(ctx context.Context, id string) error {
	return d.Store.ReviveDelivery(ctx, d.tenant(), id, time.Now(), d.By(storage.Event{TenantID: d.tenant(),
		Kind: storage.EventMailRetried, Detail: map[string]string{"mail": id}}))
}

func (d *Desk) DropMail(ctx context.Context, id string) error {
	return d.Store.DropDelivery(ctx, d.tenant(), id, d.By(storage.Event{TenantID: d.tenant(),
		Kind: storage.EventMailDropped, Detail: map[string]string{"mail": id}}))
}

func (d *Desk) Events(ctx context.Context, q audit.Search) iter.Seq2[storage.Event, error] {
	q.Tenant = d.tenant()
	return func(yield func(storage.Event, error) bool) {
		for before := ""; ; {
			found, next, err := q.Page(ctx, d.Store, before, listing.PageSize)
			if err != nil {
				yield(storage.Event{}, err)
				return
			}
			for _, e := range found {
				if !yield(e, nil) {
					return
				}
			}
			if before = next; next == "" {
				return
			}
		}
	}
}

func (d *Desk) Statistics(ctx context.Context, days int) (administration.Statistics, error) {
	return d.Counting.Count(ctx, d.Store, d.Asker, days, time.Now())
}

func (d *Desk) ExportEvents(ctx context.Context, x audit.Export, write func([]storage.Event) error) error {
	x.Tenant = d.tenant()
	return x.Run(ctx, d.Store, write)
}
