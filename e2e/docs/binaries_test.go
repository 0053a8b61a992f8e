package docs

import (
	"os/exec"
	"strings"
	"testing"
)

// TestEveryPackageIsForEverySystem lists what a binary for each system of make binaries has: each package has files for
// that system. Building them all would take longer than all other tests of this package.
func TestEveryPackageIsForEverySystem(t *testing.T) {
	t.Parallel()
	script := read(t, "scripts/build")
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			if !strings.Contains(script, system+"/"+arch) {
				t.Errorf("make binaries makes none for %s/%s", system, arch)
			}
		}
		list := exec.Command("go", "list", "-e", "-deps", "-f", `{{with .Error}}{{.}}{{end}}{{with .DepsErrors}}{{.}}{{end}}`,
			"./cmd/vouchsafe")
		list.Dir = root(t)
		list.Env = append(list.Environ(), "GOOS="+system, "GOARCH=arm64", "CGO_ENABLED=0")
		out, err := list.CombinedOutput()
		if text := strings.TrimSpace(string(out)); err != nil || text != "" {
			t.Errorf("%s: %v\n%s", system, err, text)
		}
	}
}
