// Package limit counts attempts, so that guessing does not pay.
//
// An attempt is counted by several counters at once (By): for the address it comes from, for the
// account it is aimed at, for the whole tenant. Either all of them count it or, if one is used up,
// none does: a refused attempt takes nothing from other users. A successful attempt gives back what
// it took. Known devices have counters of their own, which strangers can neither use up nor crowd
// out. docs/limits.md has the table of what is counted where.
package limit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
)

// Rule allows Max attempts in Window, for each subject.
type Rule struct {
	Name   string // part of the key: "login-name"
	Max    int64
	Window time.Duration
	// Longest, when it is longer than Window, lets the wait grow: it doubles, up to so long,
	// with every time in a day that a subject uses up its attempts.
	Longest time.Duration
}

// Times returns the rule with so many times the attempts, under a name of its own.
func (r Rule) Times(n int64, name string) Rule {
	r.Max, r.Name = n*r.Max, r.Name+name
	return r
}

// By is a rule, and the subject that it is applied to.
type By struct {
	Rule
	Subject string
	// Known says that the subject is a known browser or client: its counter is in the memory that
	// is set aside for those.
	Known bool
	// Quiet lets the attempt pass when the rule is used up. Pass.Over tells.
	Quiet bool
	// Look asks whether the rule is used up, and does not count.
	Look bool
	// OnSuccess is what Succeed does with the counter.
	OnSuccess Effect
}

// Effect is what a right attempt does to a counter.
type Effect int

const (
	Stays     Effect = iota // what was counted stays counted
	GivesBack               // the attempt gives back what it took
	Forgets                 // the subject has proven itself, and begins anew
)

// Limiter counts in Shared, which all replicas see. When that does not answer it
// counts in Local: limits then hold for each replica alone, but they hold.
type Limiter struct {
	Shared ephemeral.Store
	Local  ephemeral.Store
	Log    *slog.Logger
	// Unlimited are networks whose requests are not counted: for load tests.
	Unlimited []netip.Prefix
}

// Pass is an attempt that was let through. The nil Pass is one that is not counted.
type Pass struct {
	limiter  *Limiter
	tenant   string
	by       []By
	counters []ephemeral.Counter
	counts   []int64
	over     []bool
}

// Over reports whether the i-th of what the attempt was counted by was used up, and Quiet.
func (p *Pass) Over(i int) bool { return p != nil && p.over[i] }

// Count returns how the i-th counter stands with this attempt.
func (p *Pass) Count(i int) int64 {
	if p == nil {
		return 0
	}
	return p.counts[i]
}

// Admit counts one attempt by all that is given, in one trip, or refuses it: then it says
// how long to wait at most, and nothing was counted. The first that is used up refuses, so
// what is widest stands last. Admit before doing the work: attempts in parallel count too.
// from is the address that the attempt comes from, "" for none.
func (l *Limiter) Admit(ctx context.Context, tenant, from string, by ...By) (p *Pass, wait time.Duration, ok bool) {
	if l.IsUnlimited(from) {
		return nil, 0, true
	}
	p = &Pass{limiter: l, tenant: tenant, by: by}
	for _, b := range by {
		p.counters = append(p.counters, b.counter(tenant))
	}
	got, err := l.Shared.Admit(ctx, p.counters)
	if err != nil {
		l.Log.WarnContext(ctx, "counting attempts in this process alone", "error", err)
		got, err = l.Local.Admit(ctx, p.counters)
	}
	if err != nil { // what cannot be counted is not let through; package memory counts always
		return nil, p.by[0].Window, false
	}
	if got.By >= 0 {
		return nil, max(got.Wait, time.Millisecond), false
	}
	p.counts, p.over = got.Counts, got.Over
	return p, 0, true
}

// Allow is Admit by one rule, for what gives nothing back.
func (l *Limiter) Allow(ctx context.Context, tenant, from string, rule Rule,
	subject string,
) (wait time.Duration, ok bool) {
	_, wait, ok = l.Admit(ctx, tenant, from, By{Rule: rule, Subject: subject})
	return wait, ok
}

// Succeed gives back what the attempt was counted by, as each OnSuccess says. For its subject it
// does so no more often than within allows: otherwise the owner of an account could sign in to it
// without end.
func (p *Pass) Succeed(ctx context.Context, within By) {
	if p == nil {
		return
	}
	r := ephemeral.Release{Within: within.counter(p.tenant)}
	for i, b := range p.by {
		switch {
		case b.OnSuccess == Forgets:
			r.Forget = append(r.Forget, p.counters[i])
		case b.OnSuccess == GivesBack && !b.Look && !p.over[i]:
			r.Back = append(r.Back, p.counters[i])
		}
	}
	p.limiter.release(ctx, r)
}

// GiveBack takes back all that the attempt was counted by: it was not looked at.
func (p *Pass) GiveBack(ctx context.Context) {
	if p == nil {
		return
	}
	var r ephemeral.Release
	for i, b := range p.by {
		if !b.Look && !p.over[i] {
			r.Back = append(r.Back, p.counters[i])
		}
	}
	p.limiter.release(ctx, r)
}

// release is done although the request may have ended: what was counted stays otherwise.
func (l *Limiter) release(ctx context.Context, r ephemeral.Release) {
	ctx = context.WithoutCancel(ctx)
	if err := l.Shared.Release(ctx, r); err != nil {
		l.Log.WarnContext(ctx, "attempts not given back", "error", err)
	}
	if l.Local != l.Shared {
		_ = l.Local.Release(ctx, r) // in process: it cannot fail
	}
}

// Lift has the subjects begin anew, as if nothing had been counted. It returns an error if the counters that all
// replicas share cannot be reached: those of this process alone do not help.
func (l *Limiter) Lift(ctx context.Context, tenant string, by ...By) error {
	var r ephemeral.Release
	for _, b := range by {
		r.Forget = append(r.Forget, b.counter(tenant))
	}
	if err := l.Shared.Release(ctx, r); err != nil {
		return err
	}
	if l.Local != l.Shared {
		_ = l.Local.Release(ctx, r) // in process: it cannot fail
	}
	return nil
}

// IsUnlimited reports whether attempts from the address are not counted.
func (l *Limiter) IsUnlimited(from string) bool {
	if len(l.Unlimited) == 0 {
		return false
	}
	ip, err := netip.ParseAddr(from)
	return err == nil && slices.ContainsFunc(l.Unlimited, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// counter returns what the store counts by.
func (b *By) counter(tenant string) ephemeral.Counter {
	return ephemeral.Counter{
		Key: Key(tenant, b.Name, b.Subject), Max: b.Max, Window: b.Window, Longest: b.Longest,
		Quiet: b.Quiet, Look: b.Look, Reserved: b.Known,
	}
}

// Key names what is remembered of a subject. It hides the subject, which may be an address
// and of any length; the tenant in braces keeps what belongs together on one server.
func Key(tenant, name, subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return "limit:{" + tenant + "}:" + name + ":" + hex.EncodeToString(sum[:16])
}
