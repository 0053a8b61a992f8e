package docs

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// sample is a file of examples/proxies, and how its program reads it. Every sample is completed in the
// same way: with another port, another domain and another certificate.
type sample struct {
	file     string
	programs []string // where the program may be
	// around returns the whole configuration for the site that the sample describes.
	around func(d *testdaemon.Daemon, site string) string
	// replaced are texts of the sample, and what a test has in their place. BEHIND is the server's
	// address, PORT the proxy's, CERT, KEY and BOTH files with the certificate.
	replaced []string
	check    []string // the program's arguments that make it check CONF
	run      []string // those that run it, without becoming a daemon
	env      []string
}

var samples = []sample{
	{
		file:     "nginx.conf",
		programs: []string{"nginx", "/usr/sbin/nginx"},
		around: func(_ *testdaemon.Daemon, site string) string {
			return "daemon off;\nworker_processes 1;\npid nginx.pid;\nevents {}\nhttp {\n\taccess_log off;\n" +
				"\tclient_body_temp_path body;\n\tproxy_temp_path proxy;\n\tfastcgi_temp_path fastcgi;\n" +
				"\tuwsgi_temp_path uwsgi;\n\tscgi_temp_path scgi;\n" + site + "}\n"
		},
		replaced: []string{
			"127.0.0.1:8080", "BEHIND", "id.example.com;", "localhost;", "listen 80;", "listen 127.0.0.1:PLAIN;",
			"\tlisten [::]:80;\n", "", "listen 443 ssl", "listen 127.0.0.1:PORT ssl", "\tlisten [::]:443 ssl http2;\n", "",
			"/etc/letsencrypt/live/id.example.com/fullchain.pem", "CERT",
			"/etc/letsencrypt/live/id.example.com/privkey.pem", "KEY",
		},
		check: []string{"-t", "-p", "DIR", "-c", "CONF", "-e", "stderr"},
		run:   []string{"-p", "DIR", "-c", "CONF", "-e", "stderr"},
	},
	{
		file:     "apache.conf",
		programs: []string{"apache2", "/usr/sbin/apache2"},
		around: func(d *testdaemon.Daemon, site string) string {
			var b strings.Builder
			b.WriteString("ServerName localhost\nPidFile apache.pid\nMutex file:.\nErrorLog /dev/stderr\n" +
				"Listen 127.0.0.1:" + strconv.Itoa(d.Port) + "\n")
			for _, m := range []string{"mpm_event", "authz_core", "socache_shmcb", "ssl", "headers", "proxy", "proxy_http"} {
				b.WriteString("LoadModule " + m + "_module /usr/lib/apache2/modules/mod_" + m + ".so\n")
			}
			return b.String() + site
		},
		replaced: []string{
			"127.0.0.1:8080", "BEHIND", "ServerName id.example.com", "ServerName localhost", "*:443", "*:PORT",
			"/etc/letsencrypt/live/id.example.com/fullchain.pem", "CERT",
			"/etc/letsencrypt/live/id.example.com/privkey.pem", "KEY",
		},
		check: []string{"-t", "-d", "DIR", "-f", "CONF"},
		run:   []string{"-D", "FOREGROUND", "-d", "DIR", "-f", "CONF"},
	},
	{
		file:     "Caddyfile",
		programs: []string{"caddy"},
		around: func(_ *testdaemon.Daemon, site string) string {
			return "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n" + site
		},
		replaced: []string{
			"127.0.0.1:8080", "BEHIND",
			"\nid.example.com {\n", "\nhttps://localhost:PORT {\n\ttls CERT KEY\n",
		},
		check: []string{"validate", "--adapter", "caddyfile", "--config", "CONF"},
		run:   []string{"run", "--adapter", "caddyfile", "--config", "CONF"},
		env:   []string{"HOME=DIR", "XDG_DATA_HOME=DIR", "XDG_CONFIG_HOME=DIR"},
	},
	{
		file:     "haproxy.cfg",
		programs: []string{"haproxy", "/usr/sbin/haproxy"},
		around: func(_ *testdaemon.Daemon, site string) string {
			return "global\n    nbthread 1\n    log stdout format raw local0 notice\n" + site
		},
		replaced: []string{
			"bind :443", "bind 127.0.0.1:PORT", "/etc/haproxy/id.example.com.pem", "BOTH",
			"10.0.0.11:8080", "BEHIND", "    server b 10.0.0.12:8080\n", "",
		},
		check: []string{"-c", "-f", "CONF"},
		run:   []string{"-db", "-f", "CONF"},
	},
}

// TestProxySamples: each program accepts its sample, and a user signs in through it as well as without
// it. Traefik is not among Debian's packages, and takes minutes to build: its sample is read as YAML.
func TestProxySamples(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		t.Run(s.file, func(t *testing.T) {
			t.Parallel()
			site := s.start(t)
			signsInThrough(t, site)
			discoveryIsHTTPS(t, site)
		})
	}
}

// start starts a server with the proxy of the sample in front of it, once the proxy's own check accepts
// the sample.
func (s sample) start(t *testing.T) *vouchsafetest.Server {
	t.Helper()
	program := s.program(t)
	d, err := testdaemon.New(strings.ToLower(strings.TrimSuffix(s.file, ".conf")), "www-data", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log, err := os.ReadFile(d.Folder + "/log"); err == nil && t.Failed() {
			t.Logf("the log of %s:\n%s", s.file, log)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	site, behind := vouchsafetest.StartBehind(t, d.Port, vouchsafetest.Options{Shipped: true})
	cert, key := readFile(t, site.Certificate.CertFile), readFile(t, site.Certificate.KeyFile)
	plain, err := testdaemon.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	values := []string{
		"BEHIND", behind.Address, "PORT", strconv.Itoa(d.Port), "PLAIN", strconv.Itoa(plain), "DIR", d.Folder,
		"CERT", write(t, d, "tls.crt", cert), "KEY", write(t, d, "tls.key", key), "BOTH", write(t, d, "tls.pem", cert+key),
	}
	text := read(t, "examples/proxies/"+s.file)
	for i := 0; i < len(s.replaced); i += 2 {
		if !strings.Contains(text, s.replaced[i]) {
			t.Fatalf("%s has no %q", s.file, s.replaced[i])
		}
		text = strings.ReplaceAll(text, s.replaced[i], strings.NewReplacer(values...).Replace(s.replaced[i+1]))
	}
	values = append(values, "CONF", write(t, d, s.file, s.around(d, text)))
	fill := func(args []string) []string {
		var out []string
		for _, a := range args {
			out = append(out, strings.NewReplacer(values...).Replace(a))
		}
		return out
	}
	line := append(append([]string{"env"}, fill(s.env)...), program)
	if err := d.Run(append(line, fill(s.check)...)...); err != nil {
		t.Fatalf("%s refuses examples/proxies/%s: %v", program, s.file, err)
	}
	d.Command, d.Last = append(line, fill(s.run)...), "TERM"
	d.Ready = testdaemon.Listening(site.Address)
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	return site
}

// program returns the path of the proxy's program.
func (s sample) program(t *testing.T) string {
	t.Helper()
	for _, name := range s.programs {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("these tests need %s: run make setup", s.programs[0])
	return ""
}

func write(t *testing.T, d *testdaemon.Daemon, name, text string) (path string) {
	t.Helper()
	path, err := d.WriteFile(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// signsInThrough sends a user to sign in and redeems the code. The request is about as long
// as the server accepts, with 7 KB of state, and the browser lies about its address.
func signsInThrough(t *testing.T, site *vouchsafetest.Server) {
	t.Helper()
	jo, client := site.Jo(t), site.AddClient(t)
	b := site.Browser(t, jo)
	b.Header.Set("X-Forwarded-For", "203.0.113.7")
	b.Header.Set("Forwarded", "for=203.0.113.8;host=evil.example;proto=http")
	b.Header.Set("X-Forwarded-Host", "evil.example")
	b.Header.Set("X-Forwarded-Proto", "http")
	request := vouchsafetest.NewRequest(client, "state", strings.Repeat("s", 7<<10))
	answer := b.Authorize(t, request)
	if answer.Code() == "" || answer.Params.Get("state") != request.Params.Get("state") {
		t.Fatalf("got %d at %s, want a code and the state\n%.600s",
			answer.Page.Status, answer.Page.URL.Path, answer.Page.Text(t))
	}
	reply := site.API(t).Redeem(t, request, answer.Code()).Want(t, http.StatusOK, "")
	vouchsafetest.CheckToken(t, reply)
	var row struct{ Kind, IP string }
	signedIn := false
	for line := range strings.Lines(site.Command(t, "", "audit", "export")) {
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Kind != "login.succeeded" {
			continue
		}
		signedIn = true
		if !strings.HasPrefix(row.IP, "127.") || row.IP == "127.0.0.1" {
			t.Errorf("the sign-in came from %s, want the browser's address", row.IP)
		}
	}
	if !signedIn {
		t.Error("the audit trail has no sign-in")
	}
}

// discoveryIsHTTPS: the issuer and all endpoints are https at the name that users see, although the
// server itself speaks plain HTTP to the proxy.
func discoveryIsHTTPS(t *testing.T, site *vouchsafetest.Server) {
	t.Helper()
	page := site.Browser(t, vouchsafetest.Person{}).Get(t, "/.well-known/openid-configuration")
	var document map[string]any
	if err := json.Unmarshal([]byte(page.Body), &document); err != nil {
		t.Fatal(err)
	}
	if document["issuer"] != site.Issuer {
		t.Errorf("got the issuer %v, want %s", document["issuer"], site.Issuer)
	}
	for name, value := range document {
		if at, ok := value.(string); ok && !strings.HasPrefix(at, site.Issuer) {
			t.Errorf("%s is %s, want a URL at %s", name, at, site.Issuer)
		}
	}
}

// TestTraefikSample reads the sample as YAML, and checks what the other samples prove by running. The types of Traefik
// 3.6.12 (pkg/config/dynamic) take it and the gateway's sample, without a field that they do not know.
func TestTraefikSample(t *testing.T) {
	t.Parallel()
	var file struct {
		HTTP struct {
			Routers map[string]struct {
				Rule        string
				EntryPoints []string `yaml:"entryPoints"`
				Service     string
				Middlewares []string
				TLS         map[string]string
			}
			Middlewares map[string]struct {
				Headers struct {
					CustomRequestHeaders map[string]string `yaml:"customRequestHeaders"`
				}
			}
			Services map[string]struct {
				LoadBalancer struct {
					PassHostHeader bool              `yaml:"passHostHeader"`
					HealthCheck    map[string]string `yaml:"healthCheck"`
					Servers        []struct{ URL string }
				} `yaml:"loadBalancer"`
			}
		}
	}
	d := yaml.NewDecoder(strings.NewReader(read(t, "examples/proxies/traefik.yaml")))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	router := file.HTTP.Routers["vouchsafe"]
	service := file.HTTP.Services[router.Service].LoadBalancer
	if len(router.Middlewares) != 1 || router.TLS == nil || !service.PassHostHeader ||
		service.HealthCheck["path"] != "/readyz" || len(service.Servers) != 1 {
		t.Errorf("got %+v", file)
	}
	if v, set := file.HTTP.Middlewares[router.Middlewares[0]].Headers.CustomRequestHeaders["Forwarded"]; !set || v != "" {
		t.Error("the header Forwarded is not removed")
	}
}
