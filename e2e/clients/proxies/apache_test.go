package proxies

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// aroundApache is what Debian's apache2.conf and its modules hold around a site, without
// what needs root.
const aroundApache = `
ServerName localhost
PidFile apache.pid
Mutex file:.
ErrorLog /dev/stderr
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule auth_openidc_module /usr/lib/apache2/modules/mod_auth_openidc.so
`

func TestApacheWithModAuthOpenIDC(t *testing.T) {
	shown := vouchsafetest.ReadSection(t, docs, "## Apache with mod_auth_openidc")
	t.Run("as shown", func(t *testing.T) {
		t.Parallel()
		signsInAtApache(t, shown, "")
	})
	t.Run("with PKCE", func(t *testing.T) {
		t.Parallel()
		signsInAtApache(t, shown.RequirePKCE(t), "OIDCPKCEMethod S256\n")
	})
}

// signsInAtApache runs the section's site with more lines, and signs in and out.
func signsInAtApache(t *testing.T, section *vouchsafetest.Section, more string) {
	t.Helper()
	needs(t, "/usr/sbin/apache2", "/usr/lib/apache2/modules/mod_auth_openidc.so")
	s := vouchsafetest.Start(t, vouchsafetest.Options{})
	var base string
	daemon(t, "apache", func(d *testdaemon.Daemon) []string {
		port := strconv.Itoa(d.Port)
		base = "http://localhost:" + port
		app := s.Example(t, section.With(t, issuer, s.Issuer, site, base, application, startApplication(t), "SESSION_SECRET",
			"session-secret-of-a-test"))
		conf := file(t, d, "apache.conf", aroundApache+"Listen 127.0.0.1:"+port+"\n"+more+app.Text(t, "site.conf"))
		return []string{"/usr/sbin/apache2", "-D", "FOREGROUND", "-d", d.Folder, "-f", conf}
	})
	v := s.Visitor(t, s.Jo(t))
	letsJoIn(t, v, base, "/reports?of=today&as=table")
	if out := v.Open(t, base+"/oidc?logout="+url.QueryEscape(base+"/goodbye")); out.URL.Path != "/goodbye" ||
		out.Status != 200 {
		t.Errorf("signing out went over %v to %d at %s, want the application's goodbye", out.Paths(), out.Status, out.URL)
	}
	signedOut(t, v, base+"/")
}
