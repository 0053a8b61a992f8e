package login

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/people/password"
)

// BenchmarkFailures reports, for hashes as they are in earnest, the median time of each
// way not to be signed in: they must not tell the ways apart. They take turns, so that
// whatever else the machine does hits all alike. Run it with -benchtime 200x.
func BenchmarkFailures(b *testing.B) {
	s := newSite(b, func(c *Config) {
		many := limit.Rule{Max: 1 << 40, Window: time.Hour}
		c.PerAccount, c.PerAddress = many, many
	})
	real, err := password.New(argon2id.OWASP, nil)
	if err != nil {
		b.Fatal(err)
	}
	s.hasher, s.login.Passwords = real, real
	names := lookalikes(b, s)
	for kind, p := range map[string]argon2id.Params{"cheaper": {Memory: argon2id.OWASP.Memory / 2, Time: 2, Threads: 1},
		"dearer": {Memory: 2 * argon2id.OWASP.Memory, Time: 2, Threads: 1}} {
		before, err := password.New(p, nil)
		if err != nil {
			b.Fatal(err)
		}
		s.hasher = before
		s.user("default", kind+"@example.com", "", right)
		names["hash of before, "+kind] = kind + "@example.com"
		hash, err := before.Hash(b.Context(), right)
		if err != nil {
			b.Fatal(err)
		}
		real.Learn(hash)
	}
	v := s.visitor()
	v.get("/login")
	took := map[string][]time.Duration{}
	for b.Loop() {
		for kind, name := range names {
			req := v.request("/login", "login", name, "password", "wrong battery horse")
			start := time.Now()
			if p := v.do(req); p.status != http.StatusUnprocessableEntity {
				b.Fatalf("%s: got %d", kind, p.status)
			}
			took[kind] = append(took[kind], time.Since(start))
		}
	}
	for kind, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), strings.NewReplacer(" ", "-", ",", "").Replace(kind)+"-µs")
	}
}
