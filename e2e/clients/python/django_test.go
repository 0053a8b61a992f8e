package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// pages are those that a developer has already: one with buttons, and one that tells who
// signed in.
const pages = `
from django.http import JsonResponse
from django.shortcuts import render


def buttons(request):
    return render(request, "login.html")


def home(request):
    user = request.user
    if not user.is_authenticated:
        return JsonResponse({})
    return JsonResponse({"username": user.username, "email": user.email, "first_name": user.first_name})


urlpatterns += [path("", home), path("buttons", buttons)]
`

// django makes a site as django-admin does, adds to its settings and URLs what the section
// shows, and more settings, and runs it. template is the page with buttons.
func django(t *testing.T, s *vouchsafetest.Section, template, more string) *vouchsafetest.Example {
	t.Helper()
	python := python(t)
	app := vouchsafetest.Shared(t).Example(t, s)
	dir := t.TempDir()
	env := []string{"PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH=" + dir}
	manage := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), python, append([]string{"-m", "django"}, args...)...)
		cmd.Dir, cmd.Env = dir, append(cmd.Environ(), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
	}
	manage("startproject", "its_site", ".")
	env = append(env, "DJANGO_SETTINGS_MODULE=its_site.settings")
	app.Write(t, dir) // what is no addition to a file lies beside manage.py
	add(t, filepath.Join(dir, "its_site/settings.py"),
		app.Text(t, "settings.py")+more+"\nTEMPLATES[0]['DIRS'] = [BASE_DIR]\n")
	add(t, filepath.Join(dir, "its_site/urls.py"), app.Text(t, "urls.py")+pages)
	add(t, filepath.Join(dir, "login.html"), template)
	manage("migrate", "--verbosity", "0")
	app.Start(t, dir, env, python, "-m", "django", "runserver", "--noreload", "localhost:"+app.Port)
	return app
}

// add adds text to the end of a file.
func add(t *testing.T, file, text string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\n" + text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestMozillaDjangoOIDC(t *testing.T) {
	shown := section(t, "## Django with mozilla-django-oidc")
	t.Run("as shown", func(t *testing.T) {
		t.Parallel()
		v, app := signsInWithMozilla(t, shown, "")
		if v.Open(t, app.URL+"/oidc/authenticate/"); v.GavePassword() {
			t.Error("signing out of Django alone ended the session at the issuer")
		}
	})
	t.Run("with PKCE, out of both", func(t *testing.T) {
		t.Parallel()
		v, app := signsInWithMozilla(t, shown.RequirePKCE(t), "OIDC_USE_PKCE = True\n"+shown.File(t, "more-settings.py"))
		signedOut(t, v, app.URL+"/oidc/authenticate/")
	})
}

// signsInWithMozilla signs in and out.
func signsInWithMozilla(t *testing.T, s *vouchsafetest.Section, more string) (*vouchsafetest.Visitor,
	*vouchsafetest.Example) {
	t.Helper()
	const template = `<form method="post" action="{% url 'oidc_logout' %}">{% csrf_token %}<button>Sign ` +
		`out</button></form>`
	app := django(t, s, template, more)
	v := app.Server.Visitor(t, app.Server.Jo(t))
	if user := object(t, v.Open(t, app.URL+"/oidc/authenticate/")); user["email"] != "jo@example.com" {
		t.Errorf("Django knows %v, want jo@example.com", user)
	}
	after := v.Press(t, v.Open(t, app.URL+"/buttons"), "Sign out")
	if user := object(t, after); after.URL.String() != app.URL+"/" || len(user) > 0 {
		t.Errorf("after signing out: got %v at %s, want no user at the app's start", user, after.URL)
	}
	return v, app
}

func TestPythonSocialAuth(t *testing.T) {
	shown := section(t, "## Django with python-social-auth")
	for name, more := range map[string]string{"as shown": "", "with PKCE": "SOCIAL_AUTH_OIDC_USE_PKCE = True\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shown
			if more != "" {
				s = shown.RequirePKCE(t)
			}
			app := django(t, s, "", more)
			v := app.Server.Visitor(t, app.Server.Jo(t))
			user := object(t, v.Press(t, v.Open(t, app.URL+"/buttons"), "Sign in"))
			if user["email"] != "jo@example.com" || user["username"] != "jo" || user["first_name"] != "Jo" {
				t.Errorf("Django knows %v, want jo, Jo and jo@example.com", user)
			}
		})
	}
}
