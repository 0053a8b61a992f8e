package storagetest

import (
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// testOutbox claims deliveries under a lease. Two workers never hold the same one; a lease that ends gives it to the
// next; what was given up waits for an administrator.
func testOutbox(t *testing.T, s Store) {
	ctx := t.Context()
	tenant, other := newTenant(t, s), newTenant(t, s)
	mail := func(id string, at time.Time) storage.Delivery {
		return storage.Delivery{TenantID: tenant, ID: id, Channel: storage.ChannelMail, To: "jo@example.com", Template: "x",
			Language: "en", Data: []byte{1, 2}, CreatedAt: at, NextAt: at}
	}
	a, b, late := mail("a", now), mail("b", now.Add(time.Second)), mail("c", now.Add(time.Hour))
	must(t, Enqueue(ctx, s, b, a, late))
	want(t, Enqueue(ctx, s, mail("d", now), a), storage.ErrExists) // all or none
	stray := mail("a", now)
	stray.TenantID = "no-such-tenant"
	want(t, Enqueue(ctx, s, stray), storage.ErrNotFound)

	at, lease := now.Add(time.Minute), now.Add(2*time.Minute)
	waiting, err := s.WaitingDeliveries(ctx, tenant, "a", 9)
	same(t, waiting, err, []storage.Delivery{b, late})
	waiting, err = s.WaitingDeliveries(ctx, other, "", 9)
	same(t, waiting, err, nil)
	first, err := s.ClaimDeliveries(ctx, at, lease, 1)
	a.NextAt, a.Attempts = lease, 1
	same(t, first, err, []storage.Delivery{a})
	second, err := s.ClaimDeliveries(ctx, at, lease, 9)
	b.NextAt, b.Attempts = lease, 1
	same(t, second, err, []storage.Delivery{b})
	none, err := s.ClaimDeliveries(ctx, at, lease, 9)
	same(t, none, err, nil)
	lapse := lease.Add(time.Microsecond)
	must(t, s.ReleaseDeliveries(ctx, lapse, at)) // another claim's
	none, err = s.ClaimDeliveries(ctx, at, lapse, 9)
	same(t, none, err, nil)
	must(t, s.ReleaseDeliveries(ctx, lease, at))
	released, err := s.ClaimDeliveries(ctx, at, lease, 9)
	a.Attempts, b.Attempts = 2, 2
	same(t, released, err, []storage.Delivery{a, b})

	// Through another tenant nothing is changed.
	must(t, s.Delivered(ctx, other, "a"))
	strange := b
	strange.TenantID = other
	must(t, s.DeliveryFailed(ctx, strange, at, at, "no"))
	must(t, s.Delivered(ctx, tenant, "a"))
	must(t, s.Delivered(ctx, tenant, "a"))
	again, err := s.ClaimDeliveries(ctx, lease, lease.Add(time.Minute), 9) // a lapsed claim
	b.NextAt, b.Attempts = lease.Add(time.Minute), 3
	same(t, again, err, []storage.Delivery{b})

	want(t, s.ReviveDelivery(ctx, tenant, "b", now), storage.ErrNotFound)
	stale := b
	stale.Attempts = 1 // as the replica knows it that let the first claim lapse
	must(t, s.DeliveryFailed(ctx, stale, now, at, "too late"))
	must(t, s.DeliveryFailed(ctx, b, now, at, "550"))
	none, err = s.ClaimDeliveries(ctx, lease, lease, 9)
	same(t, none, err, nil)
	b.NextAt, b.DeadAt, b.LastError = now, at, "550"
	dead, err := s.DeadDeliveries(ctx, tenant, "", 9)
	same(t, dead, err, []storage.Delivery{b})
	dead, err = s.DeadDeliveries(ctx, other, "", 9)
	same(t, dead, err, nil)
	queued, gone, err := s.CountDeliveries(ctx)
	must(t, err)
	if queued != 1 || gone != 1 {
		t.Errorf("got %d queued and %d dead, want 1 and 1", queued, gone)
	}
	want(t, s.ReviveDelivery(ctx, other, "b", now), storage.ErrNotFound)
	retried := storage.Event{TenantID: tenant, ID: newID(), At: now, Kind: storage.EventMailRetried}
	must(t, s.ReviveDelivery(ctx, tenant, "b", now, retried))
	retried.ID = newID()
	want(t, s.ReviveDelivery(ctx, tenant, "b", now, retried), storage.ErrNotFound)
	events, err := s.Events(ctx, tenant, "", 9)
	if must(t, err); len(events) != 1 {
		t.Errorf("got %d events, want one: it was revived once", len(events))
	}
	must(t, s.Delivered(ctx, tenant, "b"))
	must(t, s.Delivered(ctx, tenant, "c"))
	testMailExpires(t, s, tenant, mail)

	// Claimed at once by many, each goes to one.
	var many []storage.Delivery
	for range 200 {
		many = append(many, mail(newID(), now))
	}
	must(t, Enqueue(ctx, s, many...))
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				got, err := s.ClaimDeliveries(ctx, at, lease, 7)
				if err != nil {
					t.Error(err)
				}
				if len(got) == 0 {
					return
				}
				mu.Lock()
				for _, m := range got {
					seen[m.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, m := range many {
		if seen[m.ID] != 1 {
			t.Errorf("mail %s was claimed %d times, want once", m.ID, seen[m.ID])
		}
	}
	must(t, Enqueue(ctx, s, mail("late", now)))
	must(t, s.RemoveTenant(ctx, tenant, now))
	if got, err := s.ClaimDeliveries(ctx, now.Add(time.Hour), now.Add(2*time.Hour), 9); len(got) > 0 || err != nil {
		t.Errorf("got %d mails, %v of a removed tenant, want none", len(got), err)
	}
	must(t, s.CarryOn(ctx, storage.Removal{TenantID: tenant, Kind: storage.RemovalTenant}, nil, nil))
	queued, gone, err = s.CountDeliveries(ctx)
	must(t, err)
	if queued+gone != 0 {
		t.Errorf("got %d mails of a removed tenant, want none", queued+gone)
	}
}

// testMailExpires lets the time of deliveries pass: a message whose code has expired is neither sent nor revived.
func testMailExpires(t *testing.T, s Store, tenant string, mail func(string, time.Time) storage.Delivery) {
	t.Helper()
	ctx := t.Context()
	end := now.Add(15 * time.Minute)
	text, given := mail("text", now), mail("given", now)
	text.Channel, text.To = storage.ChannelSMS, "+4930123456"
	text.ExpiresAt, given.ExpiresAt = end, end
	must(t, Enqueue(ctx, s, text, given))
	none, err := s.ClaimDeliveries(ctx, now, now.Add(time.Minute), 9, "post")
	same(t, none, err, nil)
	mails, err := s.ClaimDeliveries(ctx, now, now.Add(time.Minute), 9, storage.ChannelMail)
	must(t, err)
	texts, err := s.ClaimDeliveries(ctx, now, now.Add(time.Minute), 9, storage.ChannelMail, storage.ChannelSMS)
	must(t, err)
	if len(mails) != 1 || mails[0].ID != "given" || len(texts) != 1 || texts[0].ID != "text" {
		t.Fatalf("got %v and %v, want one of each channel", mails, texts)
	}
	claimed := append(mails, texts...)
	for _, m := range claimed {
		if m.ID == "text" {
			text.NextAt, text.Attempts = now.Add(time.Minute), 1
			same(t, m, nil, text)
			must(t, s.DeliveryFailed(ctx, m, now.Add(2*time.Minute), time.Time{}, "later"))
		} else {
			must(t, s.DeliveryFailed(ctx, m, now, now, "never"))
		}
	}
	none, err = s.ClaimDeliveries(ctx, end, end.Add(time.Minute), 9)
	same(t, none, err, nil)
	want(t, s.ReviveDelivery(ctx, tenant, "given", end), storage.ErrNotFound)
	_, err = s.Sweep(ctx, end)
	must(t, err)
	queued, dead, err := s.CountDeliveries(ctx)
	must(t, err)
	if queued != 0 || dead != 1 {
		t.Errorf("got %d queued and %d dead, want the dead one alone after they expired", queued, dead)
	}
	must(t, s.Delivered(ctx, tenant, "given"))

	old := mail("old", now)
	must(t, Enqueue(ctx, s, old))
	claimed, err = s.ClaimDeliveries(ctx, now, now.Add(time.Minute), 9)
	must(t, err)
	must(t, s.DeliveryFailed(ctx, claimed[0], now, now, "never"))
	for _, c := range []struct{ days, want int64 }{{29, 1}, {30, 0}} {
		_, err = s.Sweep(ctx, now.Add(time.Duration(c.days)*24*time.Hour))
		must(t, err)
		_, dead, err := s.CountDeliveries(ctx)
		must(t, err)
		if dead != c.want {
			t.Errorf("after %d days: got %d dead, want %d", c.days, dead, c.want)
		}
	}
}
