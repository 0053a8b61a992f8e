package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestKubernetesBelievesIDTokens: the authenticator of the Kubernetes API server, configured as
// docs/clients-go.md says, accepts Jo's ID token as jo@example.com, and refuses everything else.
func TestKubernetesBelievesIDTokens(t *testing.T) {
	vouchsafetest.Heavy(t)
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{Production: true}) // the authenticator demands https
	app := s.Example(t, vouchsafetest.ReadSection(t, "docs/clients-go.md", "## Kubernetes"))
	dir := t.TempDir()
	app.Write(t, dir)
	judge := filepath.Join(dir, "kubernetes")
	buildTool(t, judge, "./kubernetes")
	believed := func(token string) (string, error) {
		cmd := exec.Command(judge, filepath.Join(dir, "authentication.yaml"))
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SSL_CERT_FILE=" + s.Certificate.CertFile}
		cmd.Stdin = strings.NewReader(token)
		said, err := cmd.Output()
		return strings.TrimSpace(string(said)), err
	}
	client := vouchsafetest.Public.With(vouchsafetest.Client{"client_id": app.ClientID,
		"redirect_uris": []string{"http://localhost:8000"}})
	r := vouchsafetest.NewRequest(client, "scope", "openid email")
	tokens := s.API(t).Redeem(t, r, s.Browser(t, s.Jo(t)).Code(t, r)).Want(t, 200, "")
	if who, err := believed(tokens.ID()); err != nil || who != "jo@example.com" {
		t.Errorf("got %q, %v for the ID token, want jo@example.com", who, err)
	}
	other := vouchsafetest.NewRequest(vouchsafetest.Public, "scope", "openid email")
	for name, token := range map[string]string{
		"an access token":           tokens.Access(),
		"another client's":          s.API(t).Redeem(t, other, s.Browser(t, s.Jo(t)).Code(t, other)).Want(t, 200, "").ID(),
		"one without its signature": tokens.ID()[:strings.LastIndexByte(tokens.ID(), '.')+1],
	} {
		if who, err := believed(token); err == nil {
			t.Errorf("%s: believed to be %s's", name, who)
		}
	}
}
