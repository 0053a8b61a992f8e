// Package costs counts the SQL statements that each operation takes, as the operator's
// metrics have them, and holds them to what the architecture promises.
package costs

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func TestMain(m *testing.M) { vouchsafetest.Main(m) }

// cost is a number of statements.
type cost struct{ reads, writes int }

var counter = regexp.MustCompile(`(?m)^vouchsafe_sql_statements_total\{op="(read|write)"\} (\d+)$`)

// statements are those that the server has run so far.
func statements(t *testing.T, s *vouchsafetest.Server) cost {
	t.Helper()
	_, text := s.Ops(t, "/metrics")
	var c cost
	found := counter.FindAllStringSubmatch(text, -1)
	if len(found) == 0 {
		t.Fatal("the metrics have no vouchsafe_sql_statements_total")
	}
	for _, m := range found {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		if m[1] == "read" {
			c.reads = n
		} else {
			c.writes = n
		}
	}
	return c
}

// operation is one that a client or a browser causes. prepare does what comes before it
// and is not counted.
type operation struct {
	name    string
	most    cost
	prepare func() (run func())
}

// rounds is how often each is measured. The least counts: now and then a cache is
// filled again, or something expired is swept, which nobody asked for.
const rounds = 9

func TestStatementsPerOperation(t *testing.T) {
	for _, production := range []bool{false, true} {
		t.Run(map[bool]string{false: "embedded", true: "production"}[production], func(t *testing.T) {
			s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production})
			for _, op := range operations(t, s) {
				t.Run(op.name, func(t *testing.T) {
					op.prepare()() // warm
					var all []cost
					for range rounds {
						run := op.prepare()
						before := statements(t, s)
						run()
						after := statements(t, s)
						all = append(all, cost{after.reads - before.reads, after.writes - before.writes})
					}
					least := slices.MinFunc(all, func(a, b cost) int { return a.reads + a.writes - b.reads - b.writes })
					t.Logf("%d reads, %d writes", least.reads, least.writes)
					if least.reads > op.most.reads || least.writes > op.most.writes {
						t.Errorf("got %v, want at most %v", least, op.most)
					}
				})
			}
		})
	}
}

func (c cost) String() string { return fmt.Sprintf("%d reads and %d writes", c.reads, c.writes) }

func operations(t *testing.T, s *vouchsafetest.Server) []operation {
	api := s.API(t)
	b := s.Browser(t, s.Jo(t))
	tokens := func(c vouchsafetest.Client) *vouchsafetest.Reply {
		r := vouchsafetest.NewRequest(c)
		return api.Redeem(t, r, b.Code(t, r)).Want(t, 200, "")
	}
	redeem := func(c vouchsafetest.Client, more ...string) func() func() {
		return func() func() {
			r := vouchsafetest.NewRequest(c, more...)
			code := b.Code(t, r)
			return func() { api.Redeem(t, r, code).Want(t, 200, "") }
		}
	}
	refresh := func(c vouchsafetest.Client) func() func() {
		return func() func() {
			token := tokens(c).Refresh()
			return func() { api.Renew(t, c, token).Want(t, 200, "") }
		}
	}
	use := func(c vouchsafetest.Client, do func(access string)) func() func() {
		return func() func() {
			access := tokens(c).Access()
			return func() { do(access) }
		}
	}
	keyed := vouchsafetest.Keyed()[0]
	return []operation{
		{"discovery", cost{0, 0}, func() func() {
			return func() { api.Do(t, api.Request(t, "GET", "/.well-known/openid-configuration", "", "")) }
		}},
		{"JWKS", cost{0, 0}, func() func() { return func() { api.Keys(t) } }},
		{"client credentials", cost{0, 0}, func() func() {
			return func() {
				api.Token(t, vouchsafetest.Service, "grant_type", "client_credentials").Want(t, 200, "")
			}
		}},
		{"client credentials by private_key_jwt", cost{0, 1}, func() func() {
			assertion := keyed.Assertion(t, s.AssertionClaims(keyed.ID()))
			return func() {
				api.ByKey(t, assertion, "grant_type", "client_credentials", "scope", "reports:read").Want(t, 200, "")
			}
		}},
		{"authorize with a session, first party", cost{1, 0}, func() func() {
			r := vouchsafetest.NewRequest(vouchsafetest.Web)
			return func() { b.Code(t, r) }
		}},
		{"authorize with a session and a consent", cost{2, 0}, func() func() {
			b.Code(t, vouchsafetest.NewRequest(vouchsafetest.Third)) // consented by now
			r := vouchsafetest.NewRequest(vouchsafetest.Third, "prompt", "none")
			return func() { b.Code(t, r) }
		}},
		{"authorize without a session", cost{0, 0}, func() func() {
			stranger := s.Browser(t, b.Person)
			r := vouchsafetest.NewRequest(vouchsafetest.Web, "prompt", "none")
			return func() { stranger.Authorize(t, r) }
		}},
		{"code to tokens", cost{0, 1}, redeem(vouchsafetest.Web)},
		{"code to tokens, public client", cost{0, 1}, redeem(vouchsafetest.Public)},
		{"code to tokens, claims in the ID token", cost{1, 1}, redeem(vouchsafetest.Signed, "scope", "openid email")},
		{"refresh", cost{0, 1}, refresh(vouchsafetest.Web)},
		{"user info", cost{1, 0}, use(vouchsafetest.Web, func(access string) { api.Userinfo(t, access) })},
		{"user info, opaque token", cost{1, 0}, use(vouchsafetest.Opaque, func(access string) { api.Userinfo(t, access) })},
		{"introspection", cost{1, 0}, use(vouchsafetest.Web, func(access string) { api.Active(t, vouchsafetest.Web, access) })},
		{"introspection, opaque token", cost{1, 0}, use(vouchsafetest.Opaque, func(access string) { api.Active(t, vouchsafetest.Opaque, access) })},
		{"introspection of a client's own token", cost{1, 0}, func() func() {
			access := api.Token(t, vouchsafetest.Service, "grant_type", "client_credentials").Access()
			return func() { api.Active(t, vouchsafetest.Service, access) }
		}},
		{"introspection of garbage", cost{0, 0}, func() func() { return func() { api.Active(t, vouchsafetest.Web, "x") } }},
		{"revocation", cost{2, 2}, func() func() {
			token := tokens(vouchsafetest.Web).Refresh()
			return func() { api.As(t, vouchsafetest.Web, "/revoke", url.Values{"token": {token}}) }
		}},
		{"sign-in, from the form to the code", cost{4, 3}, func() func() {
			stranger := s.Browser(t, b.Person)
			r := vouchsafetest.NewRequest(vouchsafetest.Web)
			page := stranger.Get(t, r.Path())
			return func() { stranger.SignIn(t, page, b.Person) }
		}},
		{"sign-out", cost{4, 4}, func() func() {
			leaving := s.Browser(t, b.Person)
			r := vouchsafetest.NewRequest(vouchsafetest.Web)
			hint := api.Redeem(t, r, leaving.Code(t, r)).Want(t, 200, "").ID()
			query := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://rp.example/signed-out"}}
			return func() {
				if page := leaving.Get(t, "/logout?"+query.Encode()); page.Left == nil || strings.Contains(page.Left.String(), "error") {
					t.Errorf("got %s, want to be signed out", page.URL.Path)
				}
			}
		}},
	}
}
