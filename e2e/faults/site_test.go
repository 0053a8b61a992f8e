// Package faults breaks what Vouchsafe depends on while it works: PostgreSQL is stopped, locked and
// cut off, Redis killed and emptied, and the mail server and upstream providers hang. Clients can
// use what they were given, nothing works twice, and the service is back soon afterwards with
// nothing left behind.
package faults

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/load"
	"github.com/vouchsafe/vouchsafe/internal/faultproxy"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/internal/redistest"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

func TestMain(m *testing.M) { vouchsafetest.Main(m) }

const (
	// slack is what a busy machine may add to the times that are promised.
	slack = load.Slack
	// recovery is how soon after a fault the service must be back.
	recovery = 5 * time.Second
)

// site is a server that reaches everything it depends on through proxies.
type site struct {
	*vouchsafetest.Server
	// pg and store are the servers behind the proxies, if the test has its own.
	pg    *pgtest.Server
	redis *redistest.Server
	// direct is the database's URL without the proxy.
	direct                            string
	toDatabase, toRedis, toMailServer *faultproxy.Proxy
	mails                             *smtptest.Server
}

// newSite starts one. env are further settings.
func newSite(t *testing.T, env map[string]string) *site {
	t.Helper()
	s := &site{pg: pgtest.StartServer(t), redis: redistest.StartServer(t), mails: smtptest.Start(t)}
	var err error
	if s.direct, err = s.pg.NewDatabase(); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{
		"VOUCHSAFE_MAIL_FROM": "Vouchsafe <no-reply@id.example>",
		// The limits are not the subject.
		"VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8",
		// A slow machine may need longer than the usual 10 s to try again.
		"VOUCHSAFE_REFRESH_TOKEN_GRACE": "1m",
		// The faults should hit its work, and not its hashes.
		"VOUCHSAFE_ARGON2_MEMORY": "64", "VOUCHSAFE_ARGON2_PASSES": "1",
	}
	settings["VOUCHSAFE_DATABASE_URL"], s.toDatabase = through(t, s.direct)
	settings["VOUCHSAFE_REDIS_URL"], s.toRedis = through(t, s.redis.URL())
	settings["VOUCHSAFE_SMTP_URL"], s.toMailServer = through(t, s.mails.URL)
	for name, value := range env {
		settings[name] = value
	}
	s.Server = vouchsafetest.Start(t,
		vouchsafetest.Options{Production: true, Env: settings, Clients: []vouchsafetest.Client{load.App}})
	return s
}

// through returns the URL with a proxy's address in the place of the server's.
func through(t *testing.T, to string) (string, *faultproxy.Proxy) {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	p := faultproxy.Start(t, u.Host)
	return strings.Replace(to, u.Host, p.Address, 1), p
}

// load starts users who accept the refusals that a fault may cause.
func (s *site) load(t *testing.T, people int) *load.Load {
	t.Helper()
	return load.New(t, s.Server, load.Options{People: people, Refusal: load.WhileItLasts, SignUps: 2, Mails: s.mails})
}
