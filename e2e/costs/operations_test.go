package costs

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// bench is the server that is measured, with its clients and browsers.
type bench struct {
	t          *testing.T
	production bool
	s          *vouchsafetest.Server
	a          *vouchsafetest.API
	b          *vouchsafetest.Browser // where Jo is signed in
}

// operation is an operation that a client or a browser causes. prepare does what comes before it
// and is not counted.
type operation struct {
	name    string
	most    cost
	prepare func() (run func())
}

var (
	web     = vouchsafetest.Web
	opaque  = vouchsafetest.Opaque
	service = vouchsafetest.Service
)

// simple is an operation that needs nothing before it.
func simple(run func()) func() func() { return func() func() { return run } }

func (m *bench) tokens(c vouchsafetest.Client, params ...string) *vouchsafetest.Reply {
	r := vouchsafetest.NewRequest(c, params...)
	return m.a.Redeem(m.t, r, m.b.Code(m.t, r)).Want(m.t, 200, "")
}

func (m *bench) redeem(c vouchsafetest.Client, more ...string) func() func() {
	return func() func() {
		r := vouchsafetest.NewRequest(c, more...)
		code := m.b.Code(m.t, r)
		return func() { m.a.Redeem(m.t, r, code).Want(m.t, 200, "") }
	}
}

func (m *bench) refresh(c vouchsafetest.Client, params ...string) func() func() {
	return func() func() {
		token := m.tokens(c, params...).Refresh()
		return func() { m.a.Renew(m.t, c, token).Want(m.t, 200, "") }
	}
}

func (m *bench) access(c vouchsafetest.Client, use func(token string)) func() func() {
	return func() func() {
		token := m.tokens(c).Access()
		return func() { use(token) }
	}
}

func (m *bench) active(c vouchsafetest.Client, want bool) func(token string) {
	return func(token string) {
		if got := m.a.Active(m.t, c, token); got != want {
			m.t.Errorf("got active %v, want %v", got, want)
		}
	}
}

// tokenEndpoint are the operations that give tokens.
func (m *bench) tokenEndpoint() []operation {
	keyed := vouchsafetest.Keyed()[0]
	// Redeeming a code or a refresh token also returns the user, for the claims of the ID token.
	// PostgreSQL does so in the same statement, SQLite in the same transaction.
	once := cost{0, 1}
	if !m.production {
		once.reads = 1
	}
	return []operation{
		{"client credentials", cost{0, 0}, simple(func() {
			m.a.Token(m.t, service, "grant_type", "client_credentials").Want(m.t, 200, "")
		})},
		{"client credentials by private_key_jwt", cost{0, 1}, func() func() {
			assertion := keyed.Assertion(m.t, m.s.AssertionClaims(keyed.ID()))
			return func() {
				m.a.ByKey(m.t, assertion, "grant_type", "client_credentials", "scope", "reports:read").Want(m.t, 200, "")
			}
		}},
		{"code to tokens", once, m.redeem(web)},
		{"code to tokens, public client", once, m.redeem(vouchsafetest.Public)},
		{"code to tokens, claims in the ID token", once, m.redeem(vouchsafetest.Signed, "scope", "openid email")},
		{"refresh", once, m.refresh(web)},
		{"refresh, public client", once, m.refresh(vouchsafetest.Public)},
		{"refresh, claims in the ID token", once, m.refresh(vouchsafetest.Signed, "scope", "openid email offline_access")},
	}
}

// tokenUse are the operations that ask what a token is good for, or end it.
func (m *bench) tokenUse() []operation {
	userinfo := func(token string) { m.a.Userinfo(m.t, token) }
	return []operation{
		{"discovery", cost{0, 0}, simple(func() {
			m.a.Do(m.t, m.a.Request(m.t, http.MethodGet, "/.well-known/openid-configuration", "", ""))
		})},
		{"JWKS", cost{0, 0}, simple(func() { m.a.Keys(m.t) })},
		{"user info", cost{1, 0}, m.access(web, userinfo)},
		{"user info, opaque token", cost{1, 0}, m.access(opaque, userinfo)},
		{"introspection", cost{1, 0}, m.access(web, m.active(web, true))},
		{"introspection, opaque token", cost{1, 0}, m.access(opaque, m.active(opaque, true))},
		{"introspection of a client's own token", cost{1, 0}, func() func() {
			token := m.a.Token(m.t, service, "grant_type", "client_credentials").Access()
			return func() { m.active(service, true)(token) }
		}},
		{"introspection of garbage", cost{0, 0}, simple(func() { m.active(web, false)("garbage") })},
		{"revocation", cost{0, 2}, func() func() {
			token := m.tokens(web).Refresh()
			return func() { m.a.As(m.t, web, "/revoke", url.Values{"token": {token}}) }
		}},
	}
}

// atTheBrowser returns the operations that a user causes.
func (m *bench) atTheBrowser() []operation {
	// The session and the event of the sign-in are one statement on PostgreSQL, and two in one transaction on
	// SQLite.
	signIn := cost{3, 2}
	if m.production {
		signIn.writes = 1
	}
	return []operation{
		{"authorize with a session, first party", cost{1, 0}, func() func() {
			r := vouchsafetest.NewRequest(web)
			return func() { m.b.Code(m.t, r) }
		}},
		{"authorize with a session and a consent", cost{2, 0}, func() func() {
			m.b.Code(m.t, vouchsafetest.NewRequest(vouchsafetest.Third)) // consented by now
			r := vouchsafetest.NewRequest(vouchsafetest.Third, "prompt", "none")
			return func() { m.b.Code(m.t, r) }
		}},
		{"authorize without a session", cost{0, 0}, func() func() {
			stranger := m.s.Browser(m.t, m.b.Person)
			r := vouchsafetest.NewRequest(web, "prompt", "none")
			return func() { stranger.Authorize(m.t, r) }
		}},
		{"sign-in, from the form to the code", signIn, func() func() {
			stranger := m.s.Browser(m.t, m.b.Person)
			page := stranger.Get(m.t, vouchsafetest.NewRequest(web).Path())
			return func() { stranger.SignIn(m.t, page, m.b.Person) }
		}},
		// The session's end, the revocation of grants and their event are one transaction.
		{"sign-out", cost{2, 3}, func() func() {
			leaving := m.s.Browser(m.t, m.b.Person)
			r := vouchsafetest.NewRequest(web)
			hint := m.a.Redeem(m.t, r, leaving.Code(m.t, r)).Want(m.t, 200, "").ID()
			query := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://rp.example/signed-out"}}
			return func() {
				if page := leaving.Get(m.t, "/logout?"+query.Encode()); page.Left == nil ||
					strings.Contains(page.Left.String(), "error") {
					m.t.Errorf("got %s, want to be signed out", page.URL.Path)
				}
			}
		}},
	}
}
