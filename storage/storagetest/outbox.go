package storagetest

import (
	"context"
	"fmt"
	"strings"
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
	testDeadMailIsDropped(t, s, other)
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

// testDeadMailIsDropped has deliveries deleted that were given up, once, and no others.
func testDeadMailIsDropped(t *testing.T, s Store, other string) {
	t.Helper()
	ctx, tenant := t.Context(), newTenant(t, s)
	dead := storage.Delivery{TenantID: tenant, ID: "dead", Channel: storage.ChannelMail, To: "jo@example.com",
		Template: "x", Language: "en", Data: []byte{1}, CreatedAt: now, NextAt: now.Add(24 * time.Hour), DeadAt: now}
	waits := dead
	waits.ID, waits.DeadAt = "waits", time.Time{}
	must(t, Enqueue(ctx, s, dead, waits))
	must(t, s.DeliveryFailed(ctx, dead, dead.NextAt, now, "550"))
	dropped := storage.Event{TenantID: tenant, ID: newID(), At: now, Kind: storage.EventMailDropped}
	want(t, s.DropDelivery(ctx, other, "dead", dropped), storage.ErrNotFound)
	want(t, s.DropDelivery(ctx, tenant, "waits", dropped), storage.ErrNotFound)
	want(t, s.DropDelivery(ctx, tenant, "none", dropped), storage.ErrNotFound)
	must(t, s.DropDelivery(ctx, tenant, "dead", dropped))
	want(t, s.DropDelivery(ctx, tenant, "dead", dropped), storage.ErrNotFound)
	all, err := s.DeadDeliveries(ctx, tenant, "", 9)
	same(t, all, err, nil)
	left, err := s.WaitingDeliveries(ctx, tenant, "", 9)
	if must(t, err); len(left) != 1 {
		t.Errorf("got %d that wait, want one", len(left))
	}
	events, err := s.Events(ctx, tenant, "", 9)
	if must(t, err); len(events) != 1 {
		t.Errorf("got %d events, want one: it was dropped once", len(events))
	}
	must(t, s.Delivered(ctx, tenant, "waits"))
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

// hook returns a webhook of the world's tenant.
func (w *world) hook(t *testing.T) storage.Webhook {
	t.Helper()
	h := storage.Webhook{TenantID: w.tenant, ID: newID(), URL: "https://app.example/hook", Kinds: []string{"login.*"},
		Data: []byte("sealed"), CreatedAt: now.Add(-time.Hour), UpdatedAt: now}
	must(t, w.s.AddWebhook(t.Context(), h))
	return h
}

// places returns the ids of events, with their places.
func places(all []storage.FedEvent) string {
	var b strings.Builder
	for _, e := range all {
		b.WriteString(e.ID + " ")
	}
	return b.String()
}

// testFeed gives events places in the order in which they are seen. What commits late comes behind what was read.
func testFeed(t *testing.T, s Store) {
	ctx, w := t.Context(), &world{s: s, tenant: newTenant(t, s)}
	const all = 100
	n, err := s.Feed(ctx, w.tenant, time.Minute, now, all)
	if n != 0 {
		t.Errorf("got %d events, want none in a feed that was not begun", n)
	}
	want(t, err, storage.ErrNotFound)
	w.begins(t, now.Add(-20*time.Second))
	w.begins(t, now) // it has begun
	a := w.happened(t, 15*time.Second, storage.Event{Kind: "test", UserID: "jo"})
	c := w.happened(t, 5*time.Second, storage.Event{Kind: "test", UserID: "jo"})
	feed := func(back time.Duration, at time.Time, want int) {
		t.Helper()
		if n, err := s.Feed(ctx, w.tenant, back, at, all); err != nil || n != want {
			t.Errorf("got %d events, %v, want %d", n, err, want)
		}
	}
	feed(0, now, 2)
	feed(time.Minute, now, 0)
	// As if its transaction had been open until now.
	b := w.happened(t, 10*time.Second, storage.Event{Kind: "test", UserID: "jo"})
	feed(0, now, 0)
	feed(time.Minute, now, 1)
	fed, err := s.FedEvents(ctx, w.tenant, 0, all)
	must(t, err)
	if got, want := places(fed), a+" "+c+" "+b+" "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	fed, err = s.FedEvents(ctx, w.tenant, fed[1].Seq, all)
	if must(t, err); places(fed) != b+" " {
		t.Errorf("got %s behind the second, want %s", places(fed), b)
	}
	if feeds, err := s.Feeds(ctx); err != nil || feeds[w.tenant] != fed[0].Seq {
		t.Errorf("got %v, %v, want the tenant with its last place", feeds, err)
	}
}

// begins begins the feed of the tenant.
func (w *world) begins(t *testing.T, since time.Time) int64 {
	t.Helper()
	place, err := w.s.BeginFeed(t.Context(), w.tenant, since, now)
	must(t, err)
	return place
}

// testFeedEnds ends a feed that is not read, and begins it again: a reader from before is told that it missed events,
// and so is one whose place is gone, or is ahead of a database that was restored.
func testFeedEnds(t *testing.T, s Store) {
	ctx, w := t.Context(), &world{s: s, tenant: newTenant(t, s)}
	day := func(n int) time.Time { return now.Add(time.Duration(n) * 24 * time.Hour) }
	feeds := func(want bool) {
		t.Helper()
		all, err := s.Feeds(ctx)
		must(t, err)
		if _, got := all[w.tenant]; got != want {
			t.Errorf("the tenant has a feed: %v, want %v", got, want)
		}
	}
	want(t, s.ReadFeed(ctx, w.tenant, 0, now), storage.ErrNotFound)
	if place := w.begins(t, now.Add(-time.Minute)); place != 0 {
		t.Errorf("a new feed begins at %d", place)
	}
	w.happened(t, 5*time.Second, storage.Event{Kind: "test", UserID: "jo"})
	if n, err := s.Feed(ctx, w.tenant, time.Minute, now, 10); n != 1 || err != nil {
		t.Fatalf("got %d events, %v, want 1", n, err)
	}
	must(t, s.ReadFeed(ctx, w.tenant, 0, now))
	must(t, s.ReadFeed(ctx, w.tenant, 1, day(20)))
	want(t, s.ReadFeed(ctx, w.tenant, 2, day(20)), storage.ErrNotFound)
	must(t, s.EndFeeds(ctx, day(19), day(49)))
	feeds(true)
	must(t, s.EndFeeds(ctx, day(21), day(51)))
	feeds(false)
	want(t, s.ReadFeed(ctx, w.tenant, 1, day(51)), storage.ErrNotFound)
	place := w.begins(t, now.Add(-time.Second))
	feeds(true)
	if place != 2 {
		t.Errorf("the feed goes on at %d, want a gap", place)
	}
	want(t, s.ReadFeed(ctx, w.tenant, 1, now), storage.ErrNotFound)
	must(t, s.ReadFeed(ctx, w.tenant, place, now))
	w.happened(t, 0, storage.Event{Kind: "test", UserID: "jo"})
	if n, err := s.Feed(ctx, w.tenant, 0, now.Add(time.Second), 10); n != 1 || err != nil {
		t.Fatalf("got %d events, %v, want 1", n, err)
	}
	must(t, s.ReadFeed(ctx, w.tenant, place, now))
	found, err := s.FedEvents(ctx, w.tenant, place, 10)
	same(t, len(found), err, 1)
	_, err = s.Sweep(ctx, day(365))
	must(t, err)
	want(t, s.ReadFeed(ctx, w.tenant, place, now), storage.ErrNotFound)
	if got := w.begins(t, now); got != place+1 {
		t.Errorf("a feed whose places are gone begins at %d, want %d", got, place+1)
	}
	must(t, s.ReadFeed(ctx, w.tenant, place+1, now))

	h := w.hook(t)
	must(t, s.EndFeeds(ctx, day(400), day(430)))
	feeds(true)
	_ = h
}

// testWebhooks sends events of the kinds that a webhook wants: about one user one after the other, each by one worker.
func testWebhooks(t *testing.T, s Store) {
	ctx, w, other := t.Context(), &world{s: s, tenant: newTenant(t, s)}, newTenant(t, s)
	h := w.hook(t)
	w.begins(t, now.Add(-time.Minute))
	var ids []string
	for i, e := range []storage.Event{
		{Kind: storage.EventLoginSucceeded, UserID: "jo"}, {Kind: storage.EventLoginFailed, UserID: "jo"},
		{Kind: storage.EventLoginSucceeded, UserID: "kim"}, {Kind: storage.EventUserAdded, UserID: "kim"},
	} {
		ids = append(ids, w.happened(t, time.Duration(10-i)*time.Second, e))
	}
	if n, err := s.Feed(ctx, w.tenant, time.Minute, now, 100); n != 4 || err != nil {
		t.Fatalf("got %d events, %v, want 4", n, err)
	}
	lease := now.Add(time.Minute)
	claim := func(at time.Time, want ...string) []storage.WebhookDelivery {
		t.Helper()
		all, err := s.ClaimWebhook(ctx, h, at, at.Add(time.Minute), 10)
		must(t, err)
		got := map[string]bool{}
		for _, d := range all {
			got[d.EventID] = true
		}
		if len(all) != len(want) {
			t.Fatalf("got %d deliveries, want %d", len(all), len(want))
		}
		for _, id := range want {
			if !got[id] {
				t.Errorf("%s is not among what was claimed", id)
			}
		}
		return all
	}
	first := claim(now, ids[0], ids[2])
	claim(now)
	for _, d := range first {
		if d.NextAt = now.Add(5 * time.Minute); d.UserID == "kim" {
			d.DoneAt = now
		}
		d.Status, d.Took, d.Answer = 500, time.Second, "busy"
		must(t, s.NoteWebhook(ctx, d))
	}
	claim(lease) // jo's second waits for the first
	log, err := s.WebhookDeliveries(ctx, w.tenant, h.ID, 0, 10)
	must(t, err)
	if len(log) != 3 || log[1].EventID != ids[1] || !log[1].NextAt.IsZero() {
		t.Errorf("got the log %+v, want jo's second behind the first", log)
	}
	again := claim(now.Add(6*time.Minute), ids[0])
	late := first[0]
	late.DoneAt = now
	must(t, s.NoteWebhook(ctx, late)) // another worker's claim, or done
	again[0].DoneAt, again[0].Dead = now.Add(6*time.Minute), true
	must(t, s.NoteWebhook(ctx, again[0]))
	claim(now.Add(7*time.Minute), ids[1])
	log, err = s.WebhookDeliveries(ctx, w.tenant, h.ID, 0, 10)
	must(t, err)
	if len(log) != 3 || log[2].EventID != ids[0] || !log[2].Dead || log[2].Attempts != 2 || log[2].Answer != "busy" ||
		log[2].Took != time.Second || log[2].Status != 500 {
		t.Errorf("got the log %+v", log)
	}
	n, err := s.ReplayWebhook(ctx, other, h.ID, ids[0], now, now, now)
	if must(t, err); n != 0 {
		t.Error("another tenant replayed it")
	}
	n, err = s.ReplayWebhook(ctx, w.tenant, h.ID, "", now.Add(-time.Hour), lease, now)
	if must(t, err); n != 2 {
		t.Errorf("got %d replayed, want the two that are done", n)
	}
	e, err := s.EventByID(ctx, w.tenant, ids[0])
	if must(t, err); e.Kind != storage.EventLoginSucceeded {
		t.Errorf("got %+v, want the event", e)
	}
	more, err := s.Webhooks(ctx, w.tenant, h.ID, 10)
	same(t, more, err, nil)
	if hooks, err := s.AllWebhooks(ctx); err != nil || len(hooks) == 0 {
		t.Errorf("got %v, %v, want all webhooks", hooks, err)
	}
	must(t, s.SetFailing(ctx, w.tenant, h.ID, now))
	moved := h
	moved.URL, moved.UpdatedAt = "https://app.example/other", lease
	want(t, s.UpdateWebhook(ctx, moved, lease), storage.ErrStale)
	must(t, s.UpdateWebhook(ctx, moved, now))
	got, err := s.Webhook(ctx, w.tenant, h.ID)
	moved.FailingSince = now
	same(t, got, err, moved)
	want(t, s.RemoveWebhook(ctx, other, h.ID, now), storage.ErrNotFound)
	must(t, s.RemoveWebhook(ctx, w.tenant, h.ID, now))
	_, err = s.Webhook(ctx, w.tenant, h.ID)
	want(t, err, storage.ErrNotFound)
}

// testLargeWebhook removes a webhook for which more waits than goes in one transaction, and replays part after part.
func testLargeWebhook(t *testing.T, s Store) {
	ctx, w := t.Context(), &world{s: s, tenant: newTenant(t, s)}
	h := w.hook(t)
	w.begins(t, now.Add(-time.Minute))
	var events []storage.Event
	for i := range large {
		events = append(events, storage.Event{TenantID: w.tenant, At: now,
			ID: fmt.Sprintf("%s%012d", storage.IDAt(now)[:24], i), Kind: storage.EventLoginSucceeded, UserID: "jo"})
	}
	must(t, s.AddWebhook(ctx, storage.Webhook{TenantID: w.tenant, ID: newID(), Disabled: true, CreatedAt: now}, events...))
	for n := 1; n > 0; {
		var err error
		n, err = s.Feed(ctx, w.tenant, time.Minute, now, 100)
		must(t, err)
	}
	// They are about one user: one is due at a time.
	for range 3 {
		all, err := s.ClaimWebhook(ctx, h, now, now.Add(time.Minute), 10)
		must(t, err)
		if len(all) != 1 {
			t.Fatalf("got %d deliveries, want one", len(all))
		}
		all[0].DoneAt = now
		must(t, s.NoteWebhook(ctx, all[0]))
	}
	if n, err := s.ReplayWebhook(ctx, w.tenant, h.ID, "", now, now, now); n != 3 || err != nil {
		t.Errorf("got %d, %v, want three replayed", n, err)
	}
	all, err := s.ClaimWebhook(ctx, h, now, now.Add(time.Minute), 10)
	if must(t, err); len(all) != 1 || all[0].Seq != 1 {
		t.Errorf("got %+v, want the first again", all)
	}
	// The client that asks for it goes away.
	ended, end := context.WithCancel(ctx)
	end()
	if err := s.RemoveWebhook(ended, w.tenant, h.ID, now); err == nil {
		t.Error("removed after the end of the request")
	}
	must(t, s.RemoveWebhook(ctx, w.tenant, h.ID, now))
	want(t, s.RemoveWebhook(ctx, w.tenant, h.ID, now), storage.ErrNotFound)
	w.finish(t, storage.RemovalWebhook, h.ID)
	left, err := s.WebhookDeliveries(ctx, w.tenant, h.ID, 0, 1)
	same(t, left, err, nil)
}
