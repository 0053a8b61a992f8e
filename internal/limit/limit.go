// Package limit counts attempts, so that guessing does not pay.
package limit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Rule allows Max attempts in Window, for each subject.
type Rule struct {
	Name   string // part of the key: "login-account"
	Max    int64
	Window time.Duration
}

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
	n, err := l.Shared.Count(ctx, key(tenant, rule, subject), rule.Window)
	if err != nil {
		l.Log.WarnContext(ctx, "counting attempts in this process alone", "error", err)
		if n, err = l.Local.Count(ctx, key(tenant, rule, subject), rule.Window); err != nil {
			return rule.Window, false // full: fail closed
		}
	}
	if n > rule.Max {
		return rule.Window, false
	}
	return 0, true
}

// Forgive forgets the attempts of a subject that has proven itself.
func (l *Limiter) Forgive(ctx context.Context, tenant string, rule Rule, subject string) {
	k := key(tenant, rule, subject)
	if err := l.Shared.Forget(ctx, k); err != nil {
		l.Log.WarnContext(ctx, "attempts not forgotten", "error", err)
	}
	_ = l.Local.Forget(ctx, k) // in process: it cannot fail
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
