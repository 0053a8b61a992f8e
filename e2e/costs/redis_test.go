package costs

import (
	"io"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestTripsToRedisForASignIn: all counters of an attempt need one round trip, and giving them back
// after a success needs another.
func TestTripsToRedisForASignIn(t *testing.T) {
	s := vouchsafetest.Start(t, vouchsafetest.Options{Production: true})
	jo := s.Jo(t)
	for _, c := range []struct {
		name string
		most int
		do   func(b *vouchsafetest.Browser, page *vouchsafetest.Page)
	}{
		{"a right password", 2, func(b *vouchsafetest.Browser, page *vouchsafetest.Page) { b.SignIn(t, page, jo) }},
		{"a wrong password", 1, func(b *vouchsafetest.Browser, page *vouchsafetest.Page) {
			b.SignIn(t, page, vouchsafetest.Person{Email: jo.Email, Password: "not the password 8Kc"})
		}},
	} {
		least := 1 << 30
		for range 3 { // now and then a script is not known yet
			b := s.Browser(t, jo)
			page := b.Get(t, "/login")
			before := trips(t, s)
			c.do(b, page)
			least = min(least, trips(t, s)-before)
		}
		if least < 1 || least > c.most {
			t.Errorf("%s: %d trips, want 1 to %d", c.name, least, c.most)
		}
	}
}

// script is a line of Redis's statistics about the commands that run scripts.
var script = regexp.MustCompile(`cmdstat_eval(?:sha)?:calls=(\d+)`)

// trips returns how often the server has run a script in Redis.
func trips(t *testing.T, s *vouchsafetest.Server) (n int) {
	t.Helper()
	u, err := url.Parse(s.Redis)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.DialTimeout("tcp", u.Host, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "INFO commandstats\r\nQUIT\r\n"); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range script.FindAllStringSubmatch(string(text), -1) {
		calls, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		n += calls
	}
	return n
}
