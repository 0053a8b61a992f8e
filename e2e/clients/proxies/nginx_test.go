package proxies

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// aroundNginx is what Debian's nginx.conf holds around a site, without what needs root.
const aroundNginx = `
daemon off;
worker_processes 1;
pid nginx.pid;
events {}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	include site.conf;
}
`

// pkce are the words of the example that the first one of oauth2-proxy's own documentation
// does not have.
var pkce = []string{" --require-pkce", "code_challenge_method = \"S256\"\n"}

func TestNginxWithOAuth2Proxy(t *testing.T) {
	shown := vouchsafetest.ReadSection(t, docs, "## nginx with oauth2-proxy")
	for name, section := range map[string]*vouchsafetest.Section{
		"as shown":     shown,
		"without PKCE": shown.With(t, pkce[0], "", pkce[1], ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needs(t, "/usr/sbin/nginx", "oauth2proxy/go.sum")
			s := vouchsafetest.Start(t, vouchsafetest.Options{Production: true})
			var url string
			daemon(t, "nginx", func(d *testdaemon.Daemon) []string {
				at := strconv.Itoa(d.Port)
				url = "https://localhost:" + at
				app := s.Example(t, section.With(t, issuer, s.Issuer, site, url, application, startApplication(t),
					"id.example.com", strings.TrimPrefix(s.Issuer, "https://"), "443 ssl", "127.0.0.1:"+at+" ssl",
					"app.example.com;", "localhost;",
					"/etc/ssl/app.example.com.crt", file(t, d, "crt", read(t, s.Certificate.CertFile)),
					"/etc/ssl/app.example.com.key", file(t, d, "key", read(t, s.Certificate.KeyFile)),
					"4180", "3000", "COOKIE_SECRET", "q3Zr8tVw2Lk5Xm9Bn4Hy7Jc1Df6Gs0Pa"))
				file(t, d, "nginx.conf", aroundNginx)
				file(t, d, "site.conf", app.Text(t, "site.conf"))
				startOAuth2Proxy(t, app)
				return []string{"/usr/sbin/nginx", "-p", d.Folder, "-c", "nginx.conf", "-e", "stderr"}
			})
			v := s.Visitor(t, s.Jo(t))
			letsJoIn(t, v, url, "/reports?of=today&as=table")
			signsOut(t, v, url)
			signedOut(t, v, url+"/")
		})
	}
}

// signsOut follows the link of the page that ends both sessions.
func signsOut(t *testing.T, v *vouchsafetest.Visitor, url string) {
	t.Helper()
	const link = "/oauth2/sign_out?rd=https%3A%2F%2Fid.example.com%2Flogout%3Fclient_id%3Dmy-app"
	root, err := buildtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(read(t, filepath.Join(root, docs)), link) {
		t.Errorf("%s does not have the link %s", docs, link)
	}
	escaped := strings.NewReplacer(":", "%3A", "/", "%2F").Replace(v.Server.Issuer)
	v.ConfirmSignOut(t, v.Get(t, url+strings.Replace(link, "https%3A%2F%2Fid.example.com", escaped, 1)))
}

// startOAuth2Proxy builds the program from its module and runs it.
func startOAuth2Proxy(t *testing.T, app *vouchsafetest.Example) {
	t.Helper()
	dir := t.TempDir()
	app.Write(t, dir)
	binary := filepath.Join(dir, "oauth2-proxy")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/oauth2-proxy/oauth2-proxy/v7")
	build.Dir = "oauth2proxy" // a module of its own
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build oauth2-proxy: %v\n%s", err, out)
	}
	app.Start(t, dir, nil, binary, "--config", "oauth2-proxy.cfg")
}
