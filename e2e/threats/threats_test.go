// Package threats attacks Vouchsafe. Each test has the name of a row in the list of
// known attacks on authorization servers (RFC 9700, RFC 6819, RFC 8725, OWASP, and
// advisories of other servers): A authorization endpoint, B redirect URI, C codes and
// PKCE, D token endpoint and its neighbours, E refresh tokens, F JWT and keys, G other
// providers, H sign-in and account, I new passwords and addresses, J logout, K the HTTP
// surface, L fetching, M load, N storage and tenants, O logs,
// Q administrators who sign in as users. docs/threats.md has them all.
package threats

import (
	"slices"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

// mails is the mail server of all servers here.
var mails *smtptest.Server

func TestMain(m *testing.M) {
	var err error
	if mails, err = smtptest.Listen(); err != nil {
		panic(err)
	}
	vouchsafetest.Env = map[string]string{"VOUCHSAFE_SMTP_URL": mails.URL,
		"VOUCHSAFE_MAIL_FROM": "Vouchsafe <no-reply@id.example>"}
	vouchsafetest.Main(m)
}

// row is one attack.
type row struct {
	id   string
	test func(t *testing.T, s *vouchsafetest.Server)
}

// rows are all attacks.
func rows() []row {
	return slices.Concat(
		authorizeRows(), pageRows(), redirectRows(), codeRows(), tokenRows(), authenticationRows(), assertionRows(),
		tokenUseRows(), refreshRows(), deathRows(), accountRows(), secondFactorRows(), jwtRows(), keyRows(), logoutRows(),
		httpRows(), storageRows(), tenantRows(), logRows(), secretRows(),
		federationRows(), linkRows(), signInRows(), entryRows(), resetRows(), limitRows(), mailRows(), absentRows(),
		fetchRows(), addressRows(), actingRows(),
	)
}

func TestThreats(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.id, func(t *testing.T) {
			t.Parallel()
			vouchsafetest.Each(t, r.test)
		})
	}
}

// tokens signs in and redeems the code.
func tokens(t *testing.T, s *vouchsafetest.Server, b *vouchsafetest.Browser,
	r *vouchsafetest.Request,
) *vouchsafetest.Reply {
	t.Helper()
	return s.API(t).Redeem(t, r, b.Code(t, r)).Want(t, 200, "")
}

// jo returns a browser with which Jo will sign in.
func jo(t *testing.T, s *vouchsafetest.Server) *vouchsafetest.Browser { return s.Browser(t, s.Jo(t)) }

// wantPage fails the test if the client got a response.
func wantPage(t *testing.T, a *vouchsafetest.Answer, status int) {
	t.Helper()
	if a.Params != nil || a.Page.Left != nil {
		t.Errorf("the client was told %v at %v, want a page", a.Params, a.Page.Left)
	}
	if a.Page.Status != status {
		t.Errorf("got %d, want %d", a.Page.Status, status)
	}
}

// wantError fails the test unless the client got one of the errors before a page was shown.
func wantError(t *testing.T, a *vouchsafetest.Answer, codes ...string) {
	t.Helper()
	if a.Params == nil || !slices.Contains(codes, a.Error()) || a.Code() != "" {
		t.Errorf("got %v at %s (%d), want %v", a.Params, a.Page.URL.Path, a.Page.Status, codes)
	}
	if len(a.Shown) > 0 {
		t.Errorf("got pages %v first, want none", a.Shown)
	}
}
