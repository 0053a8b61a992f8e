package load

import (
	"slices"
	"time"
)

// Verify checks the answers that users and apps got: tokens that were issued work, what was
// redeemed or revoked stays so, and no grant has two branches. It ends the grants.
func (l *Load) Verify() {
	l.t.Helper()
	l.t.Logf("%d answers, %d refused; %d codes redeemed, %d grants revoked, %d assertions",
		l.Answered(), l.Refused(), len(l.redeemed), len(l.revoked), len(l.asserted))
	if len(l.redeemed) == 0 || len(l.revoked) == 0 || len(l.asserted) == 0 {
		l.t.Fatal("nothing was redeemed, revoked or asserted: there is nothing to verify")
	}
	for _, p := range l.people { // first, because grace periods end
		l.verifyChain(p)
	}
	for _, access := range some(l.revoked, 150) {
		if info := l.apps.Userinfo(l.t, access); info.Status != 401 {
			l.t.Errorf("a grant whose revocation was answered with 200: got %d, want 401", info.Status)
		}
	}
	for _, r := range some(l.redeemed, 150) {
		if info := l.apps.Userinfo(l.t, r.reply.Access()); info.Status != 200 {
			l.t.Errorf("an access token that was given with 200: got %d, want 200", info.Status)
		}
	}
	for _, r := range some(l.redeemed, 30) {
		l.verifyRedeemed(r)
	}
	for _, a := range some(l.asserted, 20) {
		// Each from an address of its own, because failures are limited.
		_ = byKey(l.t, l.site.API(l.t), a).Want(l.t, 401, "invalid_client")
	}
	if l.SignUps > 0 { // last, because it may have to wait for mails
		l.verifySignUps()
	}
}

// some returns at most n elements, most of them from the end, which the last fault may have
// affected.
func some[T any](all []T, n int) []T {
	if len(all) <= n {
		return all
	}
	return slices.Concat(all[:n/3], all[len(all)-n+n/3:])
}

// verifyChain checks that only the last token of the chain can be redeemed.
func (l *Load) verifyChain(p *person) {
	l.t.Helper()
	if info := p.api.Userinfo(l.t, p.access); info.Status != 200 {
		l.t.Errorf("an access token of a grant that lives: got %d, want 200", info.Status)
	}
	if n := len(p.chain); p.anew && n < 2 {
		l.t.Logf("a chain that started anew has %d refresh tokens", n)
		return
	} else if !p.anew && n < 4 || len(slices.Compact(slices.Sorted(slices.Values(p.chain)))) != n {
		l.t.Fatalf("a chain of %d refresh tokens is short, or has one of them twice", n)
	}
	l.lengthenChain(p)
	n := len(p.chain)
	if again := p.api.Renew(l.t, Web, p.chain[n-2]).Want(l.t, 200, ""); again.Refresh() != p.chain[n-1] {
		l.t.Error("a refresh token has two successors")
	}
	next := p.api.Renew(l.t, Web, p.chain[n-1]).Want(l.t, 200, "")
	_ = p.api.Renew(l.t, Web, p.chain[n-3]).Want(l.t, 400, "invalid_grant")
	_ = p.api.Renew(l.t, Web, next.Refresh()).Want(l.t, 400, "invalid_grant") // the grant ended with it
}

// lengthenChain redeems the last token if the one before it is, or soon will be, out of its grace
// period, as on a slow machine.
func (l *Load) lengthenChain(p *person) {
	l.t.Helper()
	if time.Since(p.rotated) < l.grace/2 && len(p.chain) > 2 {
		return
	}
	next := p.api.Renew(l.t, Web, p.chain[len(p.chain)-1]).Want(l.t, 200, "")
	p.chain, p.rotated = append(p.chain, next.Refresh()), time.Now()
}

// verifyRedeemed checks that the refresh token works and the code does not, which ends the grant.
func (l *Load) verifyRedeemed(r redeemed) {
	l.t.Helper()
	next := l.apps.Renew(l.t, Web, r.reply.Refresh())
	if next.Status != 200 {
		l.t.Errorf("a refresh token that was given with 200: got %d %s", next.Status, next.Raw)
		return
	}
	l.apps.IDToken(l.t, Web, r.request, r.reply)
	_ = l.apps.Redeem(l.t, r.request, r.code).Want(l.t, 400, "invalid_grant")
	_ = l.apps.Renew(l.t, Web, next.Refresh()).Want(l.t, 400, "invalid_grant")
}
