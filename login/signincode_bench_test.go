package login

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// BenchmarkSignInCodes reports the median time of asking for a code and of typing a wrong
// one, with and without an account (H4). They take turns. Run it with
// -benchtime 200x.
func BenchmarkSignInCodes(b *testing.B) {
	s := newSite(b, free)
	s.settle("default", storage.TenantSettings{SignIn: storage.SignInSettings{Methods: []string{storage.MethodEmail,
		storage.MethodPhone}}})
	s.phoned("jo@example.com", "jo", mobile)
	v := s.visitor()
	v.get("/login/code")
	took := map[string][]time.Duration{}
	for b.Loop() {
		for kind, login := range map[string]string{"known": "jo@example.com", "unknown": "nobody@example.com",
			"known-number": mobile, "unknown-number": "+491701234568"} {
			for _, by := range []string{storage.MethodEmail, storage.MethodPhone} {
				time.Sleep(100 * time.Millisecond) // what was sent before is away
				req := v.request("/login/code", "login", login, "by", by)
				start := time.Now()
				p := v.do(req)
				took[by+"-"+kind] = append(took[by+"-"+kind], time.Since(start))
				id := flow(b, p)
				req = v.request("/login/code/confirm", "flow", id, "code", "12121212")
				start = time.Now()
				if p := v.do(req); p.status != http.StatusUnprocessableEntity {
					b.Fatalf("%s: got %d", kind, p.status)
				}
				took[by+"-wrong-"+kind] = append(took[by+"-wrong-"+kind], time.Since(start))
			}
		}
	}
	for kind, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), kind+"-µs")
	}
}
