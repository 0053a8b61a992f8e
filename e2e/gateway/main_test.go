// Package gateway puts real proxies in front of an app, configured as examples/proxies/gateway says, and has them
// ask the gateway.
package gateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

func TestMain(m *testing.M) { vouchsafetest.Main(m) }

// reached is what reached the app.
type reached struct {
	URI     string
	Headers http.Header
}

// app reports the requests that reach it, and remembers where they went.
type app struct {
	*httptest.Server
	mu   sync.Mutex
	seen []reached
}

func startApp(t *testing.T) *app {
	t.Helper()
	a := &app{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := reached{r.RequestURI, r.Header}
		a.mu.Lock()
		a.seen = append(a.seen, got)
		a.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(got)
	}))
	t.Cleanup(a.Close)
	return a
}

// take returns what reached the app since the last call.
func (a *app) take() []reached {
	a.mu.Lock()
	defer a.mu.Unlock()
	seen := a.seen
	a.seen = nil
	return seen
}

// world is a proxy with an app behind it, and the server that it asks.
type world struct {
	site *vouchsafetest.Server
	app  *app
	// at is the address of the proxy, and url that of the app as browsers see it.
	at, url string
}

// proxy is a program with its sample.
type proxy struct {
	name     string
	program  string
	file     string
	replaced []string // as in package docs
	// around returns the whole configuration: the sample, and a site for the issuer.
	around func(d *testdaemon.Daemon, sample string) string
	run    []string
	env    []string
}

// start starts the proxy with the sample, a server and an app.
func (p proxy) start(t *testing.T, o vouchsafetest.Options) *world {
	t.Helper()
	if _, err := os.Stat(p.program); err != nil {
		t.Fatalf("these tests need %s: run make setup", p.program)
	}
	d, err := testdaemon.New(p.name, "www-data", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log, err := os.ReadFile(d.Folder + "/log"); err == nil && t.Failed() {
			t.Logf("the log of %s:\n%.4000s", p.name, log)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	port := strconv.Itoa(d.Port)
	w := &world{app: startApp(t), at: "127.0.0.1:" + port, url: "https://127.0.0.1:" + port}
	rules := strings.ReplaceAll(sampleFile(t, "gateway.yaml"), "app.example.com", "127.0.0.1:"+port)
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Env = map[string]string{"VOUCHSAFE_GATEWAY": file, "VOUCHSAFE_TLS_CERT": "", "VOUCHSAFE_TLS_KEY": ""}
	site, behind := vouchsafetest.StartBehind(t, d.Port, o)
	w.site = site
	cert, key := readFile(t, site.Certificate.CertFile), readFile(t, site.Certificate.KeyFile)
	endpoint := func(address string) string {
		host, port, _ := strings.Cut(address, ":")
		return "{endpoint: {address: {socket_address: {address: " + host + ", port_value: " + port + "}}}}"
	}
	values := strings.NewReplacer("ENDPOINT_OF_BEHIND", endpoint(behind.Address),
		"ENDPOINT_OF_APP", endpoint(w.app.Listener.Addr().String()), "BEHIND", behind.Address,
		"APP", w.app.Listener.Addr().String(), "PORT", port,
		"DIR", d.Folder, "CERT", write(t, d, "tls.crt", cert), "KEY", write(t, d, "tls.key", key),
		"BOTH", write(t, d, "tls.pem", cert+key),
		"LUA", write(t, d, "vouchsafe.lua", strings.ReplaceAll(sampleFile(t, "vouchsafe.lua"), "127.0.0.1:8080",
			behind.Address)))
	text := sampleFile(t, p.file)
	for i := 0; i < len(p.replaced); i += 2 {
		if !strings.Contains(text, p.replaced[i]) {
			t.Fatalf("%s has no %q", p.file, p.replaced[i])
		}
		text = strings.ReplaceAll(text, p.replaced[i], values.Replace(p.replaced[i+1]))
	}
	conf := write(t, d, p.file, values.Replace(p.around(d, text)))
	d.Command = append(append([]string{"env"}, p.env...), p.program)
	for _, arg := range p.run {
		d.Command = append(d.Command, strings.ReplaceAll(arg, "CONF", conf))
	}
	for i := range d.Command {
		d.Command[i] = strings.ReplaceAll(d.Command[i], "DIR", d.Folder)
	}
	d.Last = "TERM"
	d.Ready = testdaemon.Listening(w.at)
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	return w
}

func sampleFile(t *testing.T, name string) string {
	t.Helper()
	root, err := buildtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	return readFile(t, filepath.Join(root, "examples/proxies/gateway", name))
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
