// Package python signs in with Python's client libraries as their authors publish them,
// configured as docs/clients-python.md says.
package python

import (
	"encoding/json"
	"os"
	"path/filepath"
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
	return vouchsafetest.ReadSection(t, "docs/clients-python.md", heading)
}

// python returns the interpreter of the virtual environment that scripts/setup makes.
func python(t *testing.T) string {
	t.Helper()
	vouchsafetest.Heavy(t)
	bin, err := filepath.Abs(".venv/bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "installed")); err != nil {
		t.Fatal("the Python libraries are not installed: run make test-clients")
	}
	return filepath.Join(bin, "python")
}

// object reads a page that is a JSON object.
func object(t *testing.T, p *vouchsafetest.Page) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(p.Body), &out); err != nil || p.Status != 200 {
		t.Fatalf("got %d at %s, want a JSON object: %v\n%.600s", p.Status, p.URL, err, p.Text(t))
	}
	return out
}

// knowsJo checks what an app learned of the person.
func knowsJo(t *testing.T, claims map[string]any) {
	t.Helper()
	for name, want := range map[string]any{"email": "jo@example.com", "email_verified": true,
		"name": vouchsafetest.JoClaims["name"]} {
		if claims[name] != want {
			t.Errorf("the app learned %s %v, want %v", name, claims[name], want)
		}
	}
	if sub, _ := claims["sub"].(string); sub == "" {
		t.Errorf("the app learned no sub: %v", claims)
	}
}

// signedOut checks that the session at the issuer has ended: it asks for the password.
func signedOut(t *testing.T, v *vouchsafetest.Visitor, url string) {
	t.Helper()
	if v.Open(t, url); !v.GavePassword() {
		t.Errorf("after signing out, the way back in goes over %v, want /login among them", v.Answered)
	}
}
