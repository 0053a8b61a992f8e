package python

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestFlaskVerifiesTokens is TestAPIsVerifyTokens for the API in Flask of docs/verify-tokens.md.
func TestFlaskVerifiesTokens(t *testing.T) {
	shown := vouchsafetest.ReadSection(t, "docs/verify-tokens.md", "## Flask")
	t.Run("with a server", func(t *testing.T) {
		t.Parallel()
		app := flask(t, shown)
		app.Server.GuardsAPI(t, app.URL+"/orders", app.ClientID, app.Secret, "orders:read")
	})
	t.Run("and an attacker", func(t *testing.T) {
		t.Parallel()
		python := python(t)
		app := vouchsafetest.Shared(t).Example(t, shown)
		app.JudgesTokens(t, "/orders", t.TempDir(), func(dir string) {
			app.Start(t, dir, []string{"PYTHONDONTWRITEBYTECODE=1"}, python, "-m", "flask", "run", "--host", "localhost",
				"--port", app.Port)
		})
	})
}
