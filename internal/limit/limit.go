// Package limit counts attempts, so that guessing does not pay.
package limit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Rule allows Max attempts in Window, for each subject.
type Rule struct {
	Name   string // part of the key: "login-account"
	Max    int64
	Window time.Duration
	// Longest, when it is longer than Window, lets the wait grow: it doubles, up to so long,
	// with every time in a day that a subject uses up its attempts.
	Longest time.Duration
}

// remembered is how long it counts how often a subject has used up its attempts.
const remembered = 24 * time.Hour

// Limiter counts in Shared, which all replicas see. When that does not answer it
// counts in Local: limits then hold for each replica alone, but they hold.
type Limiter struct {
	Shared storage.Ephemeral
	Local  storage.Ephemeral
	Log    *slog.Logger
	// Unlimited are networks whose requests are not counted: for load tests.
	Unlimited []netip.Prefix
}

// Allow counts one attempt and says whether it is within the rule, and if not, how
// long to wait at most. Count before doing the work: attempts in parallel count too.
func (l *Limiter) Allow(ctx context.Context, tenant string, rule Rule, subject string) (wait time.Duration, ok bool) {
	if l.unlimited(ctx) {
		return 0, true
	}
	k := key(tenant, rule, subject)
	if rule.grows() {
		if wait := l.shut(ctx, k); wait > 0 {
			return wait, false
		}
	}
	n, err := l.count(ctx, k, rule.Window)
	if err != nil {
		return rule.Window, false // full: fail closed
	}
	if n <= rule.Max {
		return 0, true
	}
	if n == rule.Max+1 && rule.grows() {
		return l.shutLonger(ctx, k, rule), false
	}
	return rule.Window, false
}

func (r Rule) grows() bool { return r.Longest > r.Window }

func (l *Limiter) count(ctx context.Context, key string, window time.Duration) (int64, error) {
	n, err := l.Shared.Count(ctx, key, window)
	if err != nil {
		l.Log.WarnContext(ctx, "counting attempts in this process alone", "error", err)
		n, err = l.Local.Count(ctx, key, window)
	}
	return n, err
}

// shut says how long the subject still has to wait, beyond the window of its counter.
func (l *Limiter) shut(ctx context.Context, key string) time.Duration {
	val, err := l.Shared.Get(ctx, key+":shut")
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		val, err = l.Local.Get(ctx, key+":shut")
	}
	if err != nil {
		return 0
	}
	milli, err := strconv.ParseInt(string(val), 10, 64)
	if err != nil {
		return 0
	}
	return time.Until(time.UnixMilli(milli))
}

// shutLonger makes the wait of a subject that has used up its attempts, and says how long.
func (l *Limiter) shutLonger(ctx context.Context, key string, rule Rule) time.Duration {
	times, err := l.count(ctx, key+":times", remembered)
	if err != nil {
		return rule.Window
	}
	wait := min(rule.Longest, rule.Window<<min(times-1, 16))
	if wait <= rule.Window {
		return rule.Window // the counter's
	}
	until := []byte(strconv.FormatInt(time.Now().Add(wait).UnixMilli(), 10))
	if err := l.Shared.Put(ctx, key+":shut", until, wait); err != nil && !errors.Is(err, storage.ErrExists) {
		_ = l.Local.Put(ctx, key+":shut", until, wait) // full: the counter holds
	}
	return wait
}

// Forgive forgets the attempts of a subject that has proven itself.
func (l *Limiter) Forgive(ctx context.Context, tenant string, rule Rule, subject string) {
	keys := []string{key(tenant, rule, subject)}
	if rule.grows() {
		keys = append(keys, keys[0]+":times")
	}
	for _, k := range keys {
		if err := l.Shared.Forget(ctx, k); err != nil {
			l.Log.WarnContext(ctx, "attempts not forgotten", "error", err)
		}
		_ = l.Local.Forget(ctx, k) // in process: it cannot fail
	}
}

func (l *Limiter) unlimited(ctx context.Context) bool {
	if len(l.Unlimited) == 0 {
		return false
	}
	ip, err := netip.ParseAddr(web.RequestOf(ctx).IP)
	return err == nil && slices.ContainsFunc(l.Unlimited, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// Network is what attempts from an IP address are counted by: for IPv6 the whole /64,
// since whoever has one address there has them all.
func Network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Is4() || addr.Is4In6() {
		return ip
	}
	net, err := addr.Prefix(64)
	if err != nil {
		return ip
	}
	return net.String()
}

// key hides the subject: it may be an address, and of any length.
func key(tenant string, rule Rule, subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return "limit:" + rule.Name + ":" + tenant + ":" + hex.EncodeToString(sum[:16])
}
