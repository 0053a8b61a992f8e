package faults

import (
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// verify wants what was promised to be kept: whoever was given something can go on with
// it, what was spent is spent, and no grant has two branches. At the end of it the grants
// are dead.
func (l *load) verify() {
	l.t.Helper()
	if l.answered.Load() == 0 || len(l.redeemed) == 0 {
		l.t.Fatal("nothing was answered: there is nothing to verify")
	}
	l.t.Logf("%d answers, %d refused; %d codes redeemed, %d signed up, %d assertions", l.answered.Load(), l.refused.Load(), len(l.redeemed), len(l.signedUp), len(l.asserted))
	for _, p := range l.people {
		l.verifyChain(p)
	}
	few := l.redeemed[max(0, len(l.redeemed)-20):] // those of the last fault, and some of the first
	few = append(few, l.redeemed[:min(10, len(l.redeemed)-len(few))]...)
	for _, r := range few {
		verifyRedeemed(l.t, l.site, r)
	}
	for _, a := range l.asserted[max(0, len(l.asserted)-20):] {
		byKey(l.t, l.people[0].api, a).Want(l.t, 401, "invalid_client")
	}
	for _, s := range l.signedUp[max(0, len(l.signedUp)-5):] {
		verifySignedUp(l.t, l.site, s)
	}
}

// verifyChain wants the last token to be the only one that leads on.
func (l *load) verifyChain(p *person) {
	l.t.Helper()
	seen := map[string]bool{}
	for _, token := range p.chain {
		if seen[token] {
			l.t.Error("a refresh token came twice in a chain")
		}
		seen[token] = true
	}
	n := len(p.chain)
	if n < 3 {
		l.t.Fatalf("a chain has %d tokens, want some to look at", n)
	}
	if again := p.api.Renew(l.t, web, p.chain[n-2]).Want(l.t, 200, ""); again.Refresh() != p.chain[n-1] {
		l.t.Error("a refresh token has two successors")
	}
	if info := p.api.Userinfo(l.t, p.access); info.Status != 200 {
		l.t.Errorf("an access token of a grant that lives: got %d, want 200", info.Status)
	}
	next := p.api.Renew(l.t, web, p.chain[n-1]).Want(l.t, 200, "")
	p.api.Renew(l.t, web, p.chain[n-3]).Want(l.t, 400, "invalid_grant")
	p.api.Renew(l.t, web, next.Refresh()).Want(l.t, 400, "invalid_grant") // the grant went with it
}

func verifyRedeemed(t *testing.T, s *site, r redeemed) {
	t.Helper()
	api := s.API(t)
	if info := api.Userinfo(t, r.reply.Access()); info.Status != 200 {
		t.Errorf("an access token that was given with 200: got %d, want 200", info.Status)
	}
	next := api.Renew(t, web, r.reply.Refresh())
	if next.Status != 200 {
		t.Errorf("a refresh token that was given with 200: got %d %s", next.Status, next.Raw)
		return
	}
	api.IDToken(t, web, r.request, r.reply.ID())
	api.Redeem(t, r.request, r.code).Want(t, 400, "invalid_grant")
	api.Renew(t, web, next.Refresh()).Want(t, 400, "invalid_grant")
}

func verifySignedUp(t *testing.T, s *site, p signedUp) {
	t.Helper()
	api := s.API(t)
	if r := confirm(t, api, p.flow, p.code); r.Status != 422 {
		t.Errorf("a code of a registration that is done: got %d %s, want 422", r.Status, r.Raw)
	}
	if !p.told {
		return
	}
	in := call(t, api, "/auth/sign-in", map[string]any{"client_id": "app", "login": p.email, "password": p.password})
	if in.Status != 200 {
		t.Errorf("somebody who has signed up signs in: got %d %s", in.Status, in.Raw)
	}
}

// back wants the whole of the service to be there within the time that is promised, and
// to stay.
func (s *site) back(t *testing.T, p *person) {
	t.Helper()
	began := time.Now()
	for {
		if s.works(t, p) {
			break
		}
		if took := time.Since(began); took > recovery+slack {
			t.Errorf("not back after %v, want %v", took, recovery)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("back after %v", time.Since(began).Round(time.Millisecond))
	for range 5 {
		if !s.works(t, p) {
			t.Error("service was back, and went away again")
			return
		}
	}
}

// works says whether a sign-in and its tokens come without a refusal.
func (s *site) works(t *testing.T, p *person) bool {
	t.Helper()
	r := vouchsafetest.NewRequest(web)
	code := p.browser.Authorize(t, r).Code()
	if code == "" {
		return false
	}
	reply := p.api.Redeem(t, r, code)
	return reply.Status == 200 && p.api.Renew(t, web, reply.Refresh()).Status == 200 && p.api.Userinfo(t, reply.Access()).Status == 200
}
