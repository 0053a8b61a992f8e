// Package java signs in at applications made with Spring Boot and Quarkus, and calls APIs
// made with them, configured as docs/clients-java.md says.
package java

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func TestMain(m *testing.M) {
	// The tests sign in from many new browsers at once, which the limits would take for an attack.
	vouchsafetest.Env = map[string]string{"VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8"}
	vouchsafetest.Main(m)
}

// section reads a section of the page.
func section(t *testing.T, heading string) *vouchsafetest.Section {
	t.Helper()
	return vouchsafetest.ReadSection(t, "docs/clients-java.md", heading)
}

// start runs the jar with the section's application.properties, and more lines of it.
func start(t *testing.T, server *vouchsafetest.Server, jar string, s *vouchsafetest.Section,
	more ...string,
) *vouchsafetest.Example {
	t.Helper()
	app := server.Example(t, s)
	dir := t.TempDir()
	config := filepath.Join(dir, "config") // both frameworks read it there
	if err := os.Mkdir(config, 0o700); err != nil {
		t.Fatal(err)
	}
	text := app.Text(t, "application.properties") + strings.Join(more, "\n")
	if err := os.WriteFile(filepath.Join(config, "application.properties"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// A small heap and the quickest compiler: several start at once on two cores.
	app.Start(t, dir, nil, "java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", jar)
	return app
}

// built is the path of a jar that scripts/setup builds.
func built(t *testing.T, path string) string {
	t.Helper()
	vouchsafetest.Heavy(t)
	jar, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(jar); err != nil {
		t.Fatal("the Java applications are not built: run make test-clients")
	}
	return jar
}

// signsIn signs Jo in at the application and checks what it learned.
func signsIn(t *testing.T, app *vouchsafetest.Example) *vouchsafetest.Visitor {
	t.Helper()
	v := app.Server.Visitor(t, app.Server.Jo(t))
	p := v.Open(t, app.URL+"/")
	var said struct {
		IDToken     map[string]any `json:"id_token"`
		AccessToken string         `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(p.Body), &said); err != nil || p.Status != 200 {
		t.Fatalf("got %d at %s, want what the app learned: %v\n%.600s", p.Status, p.URL, err, p.Text(t))
	}
	for name, want := range map[string]any{"email": "jo@example.com", "name": vouchsafetest.JoClaims["name"],
		"preferred_username": "jo"} {
		if got := said.IDToken[name]; got != want {
			t.Errorf("the app learned %s %v, want %v", name, got, want)
		}
	}
	if sub, _ := said.IDToken["sub"].(string); sub == "" || said.AccessToken == "" {
		t.Errorf("the app learned sub %q and got the access token %q, want both", sub, said.AccessToken)
	}
	return v
}

// signedOut checks the way after signing out, which comes to a page of the application that
// needs a sign-in: the session at the issuer has ended, too, and the password is asked for.
func signedOut(t *testing.T, v *vouchsafetest.Visitor, app *vouchsafetest.Example, page *vouchsafetest.Page) {
	t.Helper()
	if app.Shows(t, page, "jo@example.com"); !v.GavePassword() {
		t.Errorf("after signing out, the way back in goes over %v, want /login among them", v.Answered)
	}
}
