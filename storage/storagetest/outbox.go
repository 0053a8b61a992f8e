package storagetest

import (
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

func testOutbox(t *testing.T, s Store) {
	ctx := t.Context()
	tenant, other := newTenant(t, s), newTenant(t, s)
	mail := func(id string, at time.Time) storage.Mail {
		return storage.Mail{TenantID: tenant, ID: id, To: "jo@example.com", Template: "x", Language: "en", Data: []byte{1, 2}, CreatedAt: at, NextAt: at}
	}
	a, b, late := mail("a", now), mail("b", now.Add(time.Second)), mail("c", now.Add(time.Hour))
	must(t, s.Enqueue(ctx, b, a, late))
	want(t, s.Enqueue(ctx, mail("d", now), a), storage.ErrExists) // all or none
	stray := mail("a", now)
	stray.TenantID = "no-such-tenant"
	want(t, s.Enqueue(ctx, stray), storage.ErrNotFound)

	at, lease := now.Add(time.Minute), now.Add(2*time.Minute)
	first, err := s.ClaimMail(ctx, at, lease, 1)
	a.NextAt, a.Attempts = lease, 1
	same(t, first, err, []storage.Mail{a})
	second, err := s.ClaimMail(ctx, at, lease, 9)
	b.NextAt, b.Attempts = lease, 1
	same(t, second, err, []storage.Mail{b})
	none, err := s.ClaimMail(ctx, at, lease, 9)
	same(t, none, err, nil)

	// Through another tenant nothing is changed.
	must(t, s.MailSent(ctx, other, "a"))
	must(t, s.MailFailed(ctx, other, "b", at, at, "no"))
	must(t, s.MailSent(ctx, tenant, "a"))
	must(t, s.MailSent(ctx, tenant, "a"))
	again, err := s.ClaimMail(ctx, lease, lease.Add(time.Minute), 9) // a lapsed claim
	b.NextAt, b.Attempts = lease.Add(time.Minute), 2
	same(t, again, err, []storage.Mail{b})

	want(t, s.ReviveMail(ctx, tenant, "b", now), storage.ErrNotFound)
	must(t, s.MailFailed(ctx, tenant, "b", now, at, "550"))
	none, err = s.ClaimMail(ctx, lease, lease, 9)
	same(t, none, err, nil)
	b.NextAt, b.DeadAt, b.LastError = now, at, "550"
	dead, err := s.DeadMail(ctx, tenant, "", 9)
	same(t, dead, err, []storage.Mail{b})
	dead, err = s.DeadMail(ctx, other, "", 9)
	same(t, dead, err, nil)
	queued, gone, err := s.CountMail(ctx)
	must(t, err)
	if queued != 1 || gone != 1 {
		t.Errorf("got %d queued and %d dead, want 1 and 1", queued, gone)
	}
	want(t, s.ReviveMail(ctx, other, "b", now), storage.ErrNotFound)
	must(t, s.ReviveMail(ctx, tenant, "b", now))
	must(t, s.MailSent(ctx, tenant, "b"))
	must(t, s.MailSent(ctx, tenant, "c"))

	// Claimed at once by many, each goes to one.
	var many []storage.Mail
	for range 200 {
		many = append(many, mail(newID(), now))
	}
	must(t, s.Enqueue(ctx, many...))
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				got, err := s.ClaimMail(ctx, at, lease, 7)
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
	must(t, s.RemoveTenant(ctx, tenant, now))
	queued, gone, err = s.CountMail(ctx)
	must(t, err)
	if queued+gone != 0 {
		t.Errorf("got %d mails of a removed tenant, want none", queued+gone)
	}
}
