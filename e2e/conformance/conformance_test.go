// Package conformance asks of Vouchsafe what the suites of the OpenID Foundation ask in
// the profiles Config OP, Basic OP, Form Post OP, Dynamic OP, RP-Initiated Logout and Back-Channel
// Logout. Each test has the name of the suite's module and demands what the module demands, warnings included.
package conformance

import (
	"slices"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func TestMain(m *testing.M) {
	// The tests sign in from many new browsers at once, which the limits would take for an attack.
	vouchsafetest.Env = map[string]string{"VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8"}
	vouchsafetest.Main(m)
}

// plan is one run of a profile: its clients, and how responses come back.
type plan struct {
	*vouchsafetest.Server
	api *vouchsafetest.API
	// client plays in most modules, second where another one is needed.
	client, second vouchsafetest.Client
	mode           string // response_mode, "" for the default
}

// module is one test of the suite.
type module struct {
	name string
	test func(t *testing.T, p *plan)
}

// request returns a request without PKCE, as the suite sends it.
func (p *plan) request(more ...string) *vouchsafetest.Request {
	if p.mode != "" {
		more = append([]string{"response_mode", p.mode}, more...)
	}
	return vouchsafetest.Plain(p.client, more...)
}

// browser returns a new browser of the user who has a value for every claim.
func (p *plan) browser(t *testing.T) *vouchsafetest.Browser { return p.Browser(t, p.Jo(t)) }

// tokens authorizes and redeems the code.
func (p *plan) tokens(t *testing.T, b *vouchsafetest.Browser, r *vouchsafetest.Request) *vouchsafetest.Reply {
	t.Helper()
	return p.api.Redeem(t, r, b.Code(t, r)).Want(t, 200, "")
}

// signIn is tokens that also returns the verified ID token.
func (p *plan) signIn(t *testing.T, b *vouchsafetest.Browser,
	r *vouchsafetest.Request,
) (*vouchsafetest.Reply, *vouchsafetest.Token) {
	t.Helper()
	reply := p.tokens(t, b, r)
	return reply, p.api.IDToken(t, r.Client, r, reply)
}

// fails authorizes and wants one of the errors to come back to the client.
func (p *plan) fails(t *testing.T, b *vouchsafetest.Browser, r *vouchsafetest.Request,
	codes ...string,
) *vouchsafetest.Answer {
	t.Helper()
	a := b.Authorize(t, r)
	if !slices.Contains(codes, a.Error()) {
		t.Fatalf("got %v at %s (%d), want one of %v", a.Params, a.Page.URL.Path, a.Page.Status, codes)
	}
	if len(a.Shown) > 0 {
		t.Errorf("got pages %v before the error, want none", a.Shown)
	}
	return a
}

func TestConformance(t *testing.T) {
	basic := slices.Concat(flowModules(), userinfoModules(), parameterModules(), sessionModules(),
		tokenModules(), hostileModules())
	run(t, "", vouchsafetest.Web, configModules())
	run(t, "", vouchsafetest.Web, basic)
	run(t, "", vouchsafetest.Post, []module{{"oidcc-server-client-secret-post", server}})
	run(t, "", vouchsafetest.Lean, []module{
		{"oidcc-server-claims-at-userinfo", server},
		{"oidcc-scope-all-claims-at-userinfo", scope("profile email address phone")},
	})
	run(t, "form_post", vouchsafetest.Web, basic)
	run(t, "", vouchsafetest.Web, logoutModules())
	run(t, "", vouchsafetest.Web, backchannelModules())
}

// run runs modules as a plan. The names of the modules stand directly below the test's; those of a
// response mode have its name appended.
func run(t *testing.T, mode string, client vouchsafetest.Client, modules []module) {
	for _, m := range modules {
		full := m.name
		if mode != "" {
			full += "," + mode
		}
		t.Run(full, func(t *testing.T) {
			t.Parallel()
			vouchsafetest.Each(t, func(t *testing.T, s *vouchsafetest.Server) {
				m.test(t, &plan{Server: s, api: s.API(t), client: client, second: vouchsafetest.Other, mode: mode})
			})
		})
	}
}
