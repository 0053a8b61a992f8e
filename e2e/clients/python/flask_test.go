package python

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// flask runs the section's app.py.
func flask(t *testing.T, s *vouchsafetest.Section) *vouchsafetest.Example {
	t.Helper()
	python := python(t)
	app := vouchsafetest.Shared(t).Example(t, s)
	dir := t.TempDir()
	app.Write(t, dir)
	app.Start(t, dir, []string{"PYTHONDONTWRITEBYTECODE=1"}, python, "-m", "flask", "run", "--host",
		"localhost", "--port", app.Port)
	return app
}

func TestAuthlibWithFlask(t *testing.T) {
	shown := section(t, "## Authlib with Flask")
	const scope = `"scope": "openid email profile"`
	for name, s := range map[string]*vouchsafetest.Section{
		"as shown":  shown,
		"with PKCE": shown.RequirePKCE(t).With(t, scope, scope+`, "code_challenge_method": "S256"`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signsInAndOut(t, flask(t, s), "/goodbye")
		})
	}
}

func TestFlaskPyoidc(t *testing.T) {
	t.Parallel()
	signsInAndOut(t, flask(t, section(t, "## Flask-pyoidc")), "/logout")
}

// signsInAndOut signs in at the app, and out of the app and the issuer, and comes to the
// app's goodbye.
func signsInAndOut(t *testing.T, app *vouchsafetest.Example, goodbye string) {
	t.Helper()
	v := app.Server.Visitor(t, app.Server.Jo(t))
	knowsJo(t, object(t, v.Open(t, app.URL+"/")))
	page := v.Open(t, app.URL+"/logout")
	if app.Shows(t, page, "You are signed out."); page.URL.Path != goodbye {
		t.Errorf("after signing out: got %s, want %s", page.URL, goodbye)
	}
	signedOut(t, v, app.URL+"/")
}

func TestPyJWT(t *testing.T) {
	t.Parallel()
	app := flask(t, section(t, "## An API with PyJWT"))
	app.Server.GuardsAPI(t, app.URL+"/reports", app.ClientID, app.Secret, "reports:read")
}
