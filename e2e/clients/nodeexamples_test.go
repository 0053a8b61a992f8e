package clients

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

const javaScriptPage = "docs/clients-javascript.md"

// hello is how every example greets Jo.
const hello = "Hello Jo Müller-O'Neill (jo@example.com)"

// signsOut are the paths of examples that sign out at the issuer, too.
var signsOut = map[string]string{"## express-openid-connect": "/logout"}

// TestNodeExamples: the servers of docs/clients-javascript.md sign Jo in, and greet Jo by name and
// address.
func TestNodeExamples(t *testing.T) {
	libraries(t)
	for heading, press := range map[string]string{
		"## openid-client":          "",
		"## Auth.js":                "Sign in with Vouchsafe",
		"## better-auth":            "",
		"## express-openid-connect": "",
		"## passport-openidconnect": "",
	} {
		t.Run(heading[3:], func(t *testing.T) {
			t.Parallel()
			s := vouchsafetest.Shared(t)
			app := s.Example(t, vouchsafetest.ReadSection(t, javaScriptPage, heading))
			dir := withLibraries(t, "npm")
			app.Write(t, dir)
			app.Start(t, dir, nil, "node", "server.mjs")
			v := s.Visitor(t, s.Jo(t))
			page := v.Open(t, app.URL+"/")
			if press != "" {
				page = v.Press(t, page, press)
			}
			app.Shows(t, page, hello)
			if signOut := signsOut[heading]; signOut != "" {
				// The browser comes back, is sent to sign in again, and the issuer asks for the
				// password.
				if app.Shows(t, v.Open(t, app.URL+signOut), hello); !v.GavePassword() {
					t.Errorf("after signing out got the pages %v, want /login among them", v.Answered)
				}
			}
		})
	}
}

// withLibraries is a new folder that has the libraries of another one.
func withLibraries(t *testing.T, folder string) string {
	t.Helper()
	modules, err := filepath.Abs(filepath.Join(folder, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}
