package clients

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

const groupsPage = "docs/clients-groups.md"

// TestGroupsInOtherSoftware: what Kubernetes, Argo CD and Grafana read in Jo's ID token, with the clients and the
// configurations of docs/clients-groups.md, before and after Jo leaves a group.
func TestGroupsInOtherSoftware(t *testing.T) {
	vouchsafetest.Heavy(t)
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{Production: true}) // Kubernetes demands https
	jo := s.Jo(t)
	for _, group := range []string{"platform-admins", "staff"} {
		s.Command(t, "", "group", "add", group)
		s.Command(t, "", "group", "join", group, jo.Email)
	}
	groups := filepath.Join(t.TempDir(), "groups")
	buildTool(t, groups, "./groups")
	role := grafanaRole(t)
	for _, c := range []struct {
		heading, member, other string
		read                   func(t *testing.T, app *vouchsafetest.Example, token string) string
	}{
		{"## Kubernetes", "jo@example.com oidc:platform-admins", "jo@example.com", authenticated},
		{"## Argo CD", "platform-admins staff", "staff", func(t *testing.T, _ *vouchsafetest.Example, token string) string {
			return run(t, payload(t, token), groups, "argocd", "groups")
		}},
		{"## Grafana", `"Admin"`, `"Viewer"`, func(t *testing.T, _ *vouchsafetest.Example, token string) string {
			if got := run(t, payload(t, token), groups, "grafana", "groups"); !strings.Contains(got, `"staff"`) {
				t.Errorf("Grafana reads the groups %s", got)
			}
			return run(t, payload(t, token), groups, "grafana", role)
		}},
	} {
		app := s.Example(t, vouchsafetest.ReadSection(t, groupsPage, c.heading))
		client := registered(t, s, app)
		for _, want := range []string{c.member, c.other} {
			r := vouchsafetest.NewRequest(client, "scope", "openid email groups")
			token := s.API(t).Redeem(t, r, s.Browser(t, jo).Code(t, r)).Want(t, 200, "").ID()
			if got := c.read(t, app, token); got != want {
				t.Errorf("%s: got %q, want %q", c.heading, got, want)
			}
			s.Command(t, "", "group", "leave", "platform-admins", jo.Email)
		}
		s.Command(t, "", "group", "join", "platform-admins", jo.Email)
	}
}

// registered returns the client that an example's clients file declares.
func registered(t *testing.T, s *vouchsafetest.Server, app *vouchsafetest.Example) vouchsafetest.Client {
	t.Helper()
	var shown struct {
		URIs   []string `json:"redirect_uris"`
		Method string   `json:"token_endpoint_auth_method"`
	}
	if err := json.Unmarshal([]byte(s.Command(t, "", "client", "show", app.ClientID, "--json")), &shown); err != nil {
		t.Fatal(err)
	}
	c := vouchsafetest.Client{"client_id": app.ClientID, "redirect_uris": shown.URIs}
	if shown.Method == "none" {
		return c.With(vouchsafetest.Client{"token_endpoint_auth_method": shown.Method})
	}
	return c.With(vouchsafetest.Client{"client_secret": app.Secret})
}

// payload returns the claims of a JWT, as JSON.
func payload(t *testing.T, token string) string {
	t.Helper()
	_, rest, _ := strings.Cut(token, ".")
	part, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// authenticated returns what the authenticator of the Kubernetes API server says of an ID token.
func authenticated(t *testing.T, app *vouchsafetest.Example, token string) string {
	t.Helper()
	dir := t.TempDir()
	app.Write(t, dir)
	judge := filepath.Join(dir, "kubernetes")
	buildTool(t, judge, "./kubernetes")
	return run(t, token, "env", "SSL_CERT_FILE="+app.Server.Certificate.CertFile, judge,
		filepath.Join(dir, "authentication.yaml"))
}

// grafanaRole returns role_attribute_path of the page.
func grafanaRole(t *testing.T) string {
	t.Helper()
	ini := vouchsafetest.ReadSection(t, groupsPage, "## Grafana").File(t, "grafana.ini")
	_, rest, ok := strings.Cut(ini, "role_attribute_path = ")
	if !ok {
		t.Fatalf("%s has no role_attribute_path", groupsPage)
	}
	role, _, _ := strings.Cut(rest, "\n")
	return role
}

// run runs a program and returns what it prints.
func run(t *testing.T, input string, command ...string) string {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), os.Stderr
	said, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	return strings.TrimSpace(string(said))
}
