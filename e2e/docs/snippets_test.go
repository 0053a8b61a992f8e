package docs

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

var settingName = regexp.MustCompile(`\bVOUCHSAFE_[A-Z_]*[A-Z]\b`)

// TestSettingsExist: every variable that a document or a sample names is a setting of the server or of commands,
// and _FILE follows none that is a path.
func TestSettingsExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{settings.EnvPrefix + "CONFIG": true, settings.EnvPrefix + "SERVICE_HOST": true}
	for _, s := range settings.All() {
		known[s.Env()], known[s.Env()+"_FILE"] = true, s.FromFile()
	}
	texts := map[string]string{}
	for _, p := range pages(t) {
		texts[p.path] = p.text
	}
	for _, path := range []string{"docker-compose.yml", "Dockerfile", "clients.yaml", "examples/kubernetes.yaml",
		"examples/systemd/vouchsafe.service", "examples/vouchsafe.yaml"} {
		texts[path] = read(t, path)
	}
	for path, text := range texts {
		for _, name := range settingName.FindAllString(text, -1) {
			if !known[name] && !settings.IsCommandVariable(name) {
				t.Errorf("%s: %s is not a setting", path, name)
			}
		}
	}
}

// TestSettingsOfThePagesAreAccepted: the program reads each block of settings without a fault. What a
// production server needs besides comes from here.
func TestSettingsOfThePagesAreAccepted(t *testing.T) {
	t.Parallel()
	binary := program(t)
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.lang != "env" {
				continue
			}
			dir := t.TempDir()
			file := filepath.Join(dir, "env")
			if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("bash", "-c", "set -euo pipefail; set -a; . ./env; set +a; exec "+binary+" config")
			cmd.Dir, cmd.Env = dir, []string{
				"PATH=" + os.Getenv("PATH"), "VOUCHSAFE_SECRET=e2e-Zq8vK1mT0xWc5RrB7yLd3hNnJ6uPsG2f",
				"VOUCHSAFE_ISSUER=https://id.example.com",
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s:%d: %v\n%s", p.path, b.line, err, out)
			}
		}
	}
}

// ofLibraries reports whether e2e/clients tests the blocks of a page.
func ofLibraries(path string) bool {
	return strings.HasPrefix(path, "docs/clients-") || path == "docs/verify-tokens.md"
}

// TestFilesOfThePagesAreAccepted: a server applies each file of clients and tenants that a document shows.
func TestFilesOfThePagesAreAccepted(t *testing.T) {
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true})
	s.Command(t, "", "tenant", "add", "acme")
	applied := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			switch {
			case ofLibraries(p.path):
			case b.lang == "json":
				if !json.Valid([]byte(b.text)) {
					t.Errorf("%s:%d is not JSON:\n%s", p.path, b.line, b.text)
				}
			case b.lang == "yaml":
				applied++
				if strings.HasPrefix(b.text, "gateway:\n") {
					file := filepath.Join(s.Dir, "gateway-of-a-page.yaml")
					if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
						t.Fatal(err)
					}
					if out, err := s.Try("gateway", "check", file); err != nil {
						t.Errorf("%s:%d: %v\n%s", p.path, b.line, err, out)
					}
					continue
				}
				if b.name == "vouchsafe.yaml" {
					file := filepath.Join(s.Dir, "settings-of-a-page.yaml")
					if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
						t.Fatal(err)
					}
					if out, err := s.Try("config", "--config", file); err != nil {
						t.Errorf("%s:%d: %v\n%s", p.path, b.line, err, out)
					}
					continue
				}
				family, _, _ := strings.Cut(b.text, "s:\n")
				if family != "client" && family != "tenant" {
					t.Errorf("%s:%d: no command reads this", p.path, b.line)
					continue
				}
				file := filepath.Join(s.Dir, family+"s-of-a-page.yaml")
				if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
					t.Fatal(err)
				}
				if out, err := s.Try(family, "apply", file, "--yes"); err != nil {
					t.Errorf("%s:%d: %v\n%s", p.path, b.line, err, out)
				}
			}
		}
	}
	if applied == 0 {
		t.Error("no document has a file")
	}
}

// TestKubernetesSample: the sample is YAML of kinds that belong together, and its server would start: the
// settings exist, the clients are accepted, and the time to stop is longer than the server takes.
func TestKubernetesSample(t *testing.T) {
	t.Parallel()
	var kinds []string
	var clients string
	d := yaml.NewDecoder(strings.NewReader(read(t, "examples/kubernetes.yaml")))
	for {
		var object struct {
			Kind string
			Data map[string]string
		}
		if err := d.Decode(&object); err != nil {
			break
		}
		kinds = append(kinds, object.Kind)
		if object.Data != nil {
			clients = object.Data["clients.yaml"]
		}
	}
	want := []string{"ConfigMap", "Deployment", "PodDisruptionBudget", "Service", "Ingress"}
	if !slices.Equal(kinds, want) {
		t.Errorf("got %v, want %v", kinds, want)
	}
	s := vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true})
	file := filepath.Join(s.Dir, "kubernetes-clients.yaml")
	if err := os.WriteFile(file, []byte(clients), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Command(t, "", "client", "apply", "--yes", file)
}

// TestSystemdSample: systemd accepts the unit, with the path of the program that was built.
func TestSystemdSample(t *testing.T) {
	t.Parallel()
	unit := read(t, "examples/systemd/vouchsafe.service")
	if !strings.Contains(unit, "ExecStart=/usr/local/bin/vouchsafe serve\n") ||
		!strings.Contains(unit, "TimeoutStopSec=45\n") {
		t.Error("the unit does not start the program, or gives it no time to stop")
	}
	systemd, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd here to read the unit")
	}
	file := filepath.Join(t.TempDir(), "vouchsafe.service")
	unit = strings.Replace(unit, "/usr/local/bin/vouchsafe", program(t), 1)
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(systemd, "verify", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestComposeSample: the services of docker-compose.yml get the settings of a production server, and more
// time to stop than they need.
func TestComposeSample(t *testing.T) {
	t.Parallel()
	var file struct {
		Services map[string]struct {
			Environment     map[string]string
			StopGracePeriod string `yaml:"stop_grace_period"`
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "docker-compose.yml")), &file); err != nil {
		t.Fatal(err)
	}
	v := file.Services["vouchsafe"]
	for _, name := range []string{
		"VOUCHSAFE_ISSUER", "VOUCHSAFE_SECRET", "VOUCHSAFE_DATABASE_URL", "VOUCHSAFE_REDIS_URL",
	} {
		if v.Environment[name] == "" {
			t.Errorf("docker-compose.yml does not set %s", name)
		}
	}
	if v.StopGracePeriod != "45s" || len(file.Services) != 3 {
		t.Errorf("got %+v", file)
	}
}

var quotedText = regexp.MustCompile("`([^`]+)`")

// TestTroubleshootingQuotesTheProgram: what a reader looks for in troubleshooting.md is what the program
// says. Texts of other programs, statuses and names of fields are listed here.
func TestTroubleshootingQuotesTheProgram(t *testing.T) {
	t.Parallel()
	others := []string{"502 Bad Gateway", "Connection refused", "upstream sent too big header", "414", "431",
		"vouchsafe: command not found",
		"refresh_token", "name", "email", "clients.yaml", "tenants.yaml", "invalid_client", "invalid_grant", "invalid_scope",
		"unknown-which"}
	sources := programText(t)
	for line := range strings.Lines(read(t, "docs/troubleshooting.md")) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || strings.HasPrefix(line, "|---") {
			continue
		}
		for _, m := range quotedText.FindAllStringSubmatch(cells[1], -1) {
			if !slices.Contains(others, m[1]) && !strings.Contains(sources, m[1]) {
				t.Errorf("nothing in the program says %q", m[1])
			}
		}
	}
}

var joined = regexp.MustCompile(`" ?\+\n\s*"`)

// programText returns the program's source, with strings that go over several lines in one.
func programText(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range []string{"*/*.go", "*/*/*.go", "*/*/*/*.go", "login/texts/en/*.json"} {
		files, err := filepath.Glob(filepath.Join(root(t), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.Contains(file, "/e2e/") || strings.Contains(file, "node_modules") {
				continue
			}
			all.WriteString(joined.ReplaceAllString(readFile(t, file), ""))
		}
	}
	return strings.ReplaceAll(all.String(), `\"`, `"`)
}
