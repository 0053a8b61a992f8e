package clients

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// NextAuth 4 runs in Next.js, which builds itself at the first visit.
func TestNextAuthExample(t *testing.T) {
	vouchsafetest.Heavy(t)
	t.Parallel()
	libraries(t)
	s := vouchsafetest.Shared(t)
	app := s.Example(t, vouchsafetest.ReadSection(t, javaScriptPage, "## NextAuth 4"))
	// Next.js follows no links out of its folder: this one stands beside the libraries.
	dir, err := os.MkdirTemp("npm/nextjs", "run-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	app.Write(t, dir)
	next, err := filepath.Abs("npm/nextjs/node_modules/.bin/next")
	if err != nil {
		t.Fatal(err)
	}
	app.Start(t, dir, []string{"NEXT_TELEMETRY_DISABLED=1"}, next, "dev", "-p", app.Port)
	v := s.Visitor(t, s.Jo(t))
	page := v.Press(t, v.Open(t, app.URL+"/"), "Sign in with Vouchsafe")
	app.Shows(t, page, hello)
}
