// Package doors tries every key at every door: each route that the program serves, by each method,
// with each kind of credential of the right and of another tenant, user and client, valid and
// ended. The routes come from the program itself. The table in this package says what each of them
// needs.
package doors

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

func TestMain(m *testing.M) { vouchsafetest.Main(m) }

// methods are the methods that are tried. Those after GET and POST are tried with few keys.
var methods = []string{"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "LINK"}

// fewKeys is how many keys are tried with methods that no route serves.
const fewKeys = 3

func TestNoDoorStandsOpen(t *testing.T) {
	for _, production := range []bool{false, true} {
		t.Run(map[bool]string{false: "embedded", true: "production"}[production], func(t *testing.T) {
			t.Parallel()
			mails := smtptest.Start(t)
			gateway := filepath.Join(t.TempDir(), "gateway.yaml")
			if err := os.WriteFile(gateway, []byte(gatewayFile), 0o600); err != nil {
				t.Fatal(err)
			}
			s := vouchsafetest.Start(t, vouchsafetest.Options{
				Production: production, Clients: []vouchsafetest.Client{App},
				Env: map[string]string{
					"VOUCHSAFE_GATEWAY": gateway, "VOUCHSAFE_TRUSTED_PROXIES": "203.0.113.1",
					"VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8", "VOUCHSAFE_CODE_LIFETIME": "10m",
					"VOUCHSAFE_SMTP_URL": mails.URL, "VOUCHSAFE_MAIL_FROM": "no-reply@vouchsafe.example",
				},
			})
			sc := newScene(t, s)
			paths, endpoints := routes(t, s)
			m := &matrix{T: t, scene: sc, client: sc.north.HTTP(t), endpoints: endpoints, opened: map[need]int{}}
			m.bodies, m.calls = sc.bodies(t)
			m.compareMetadata()
			keys := sc.keys(t)
			m.try(paths, keys)
			m.tryTrips(keys)
			m.tryApps(keys, mails)
			sc.unharmed(t)
			m.comeBack()
			m.tryClients()
			sc.leave(t, m.bodies["/auth/delete-account"])
			t.Logf("%d cells, of which opened as they should: %v", m.cells, m.opened)
			for _, n := range []need{nothing, form, account, bearer, permission, client, trip, app, appPerson} {
				if m.opened[n] == 0 {
					t.Errorf("no key opened a door that needs %s: the matrix would not notice an open one", n)
				}
			}
		})
	}
}

// gatewayFile lets everyone through, but no proxy asks: each key is refused.
const gatewayFile = `gateway:
  entries: [{id: edge, form: traefik}]
  rules: [{hosts: [app.example], public: true}]
`

// endpoint is a row of the protocol's table of endpoints, as the program prints it.
type endpoint struct {
	methods  []string
	metadata string // its name in the discovery document, or ""
	scripts  string // the origins whose scripts may read its answers: "", registered or any
	clients  string // how clients authenticate; "" where they do not
}

// routes returns the paths that the program says it serves, each once.
func routes(t *testing.T, s *vouchsafetest.Server) (all []string, endpoints map[string]endpoint) {
	t.Helper()
	served := map[string]bool{}
	endpoints = map[string]endpoint{}
	for line := range strings.Lines(s.Command(t, "", "routes")) {
		words := strings.Fields(line)
		served[words[0]] = true
		if len(words) == 5 {
			e := endpoint{methods: strings.Split(words[1], ",")}
			for i, to := range []*string{&e.metadata, &e.scripts, &e.clients} {
				_, *to, _ = strings.Cut(words[i+2], "=")
			}
			endpoints[words[0]] = e
		}
	}
	for path := range served {
		if doors[path] == "" {
			t.Errorf("the program serves %s, and the table in table_test.go does not say what it needs", path)
			continue
		}
		all = append(all, path)
	}
	for path, n := range doors {
		if !served[path] && n != developer && n != playground {
			t.Errorf("the table has %s, which the program does not serve", path)
		}
	}
	for path, e := range endpoints {
		if n := doors[path]; (e.clients != "") != (n == client || n == app) {
			t.Errorf("%s needs %s, and the program says that clients authenticate there by %q", path, n, e.clients)
		}
	}
	slices.Sort(all)
	if len(all) < 60 || len(endpoints) < 10 {
		t.Fatalf("the program says that it serves %d routes, of which %d are endpoints: was it asked rightly?",
			len(all), len(endpoints))
	}
	return all, endpoints
}

// compareMetadata looks for the endpoints in the discovery document, which has no others.
func (m *matrix) compareMetadata() {
	m.Helper()
	api := m.scene.north.API(m.T)
	said := api.Do(m.T, api.Request(m.T, http.MethodGet, "/.well-known/openid-configuration", "", ""))
	names := map[string]bool{}
	for path, e := range m.endpoints {
		if names[e.metadata] = true; e.metadata != "" && said.String(e.metadata) != m.scene.north.Issuer+path {
			m.Errorf("discovery has %q as %s, want %s", said.String(e.metadata), e.metadata, path)
		}
	}
	for name := range said.Body {
		if (strings.HasSuffix(name, "_endpoint") || strings.HasSuffix(name, "_uri")) && !names[name] {
			m.Errorf("discovery has %s, which is no endpoint", name)
		}
	}
}

// matrix is a run through all cells.
type matrix struct {
	*testing.T
	scene  *scene
	client *http.Client
	bodies map[string]string // of the JSON API, by path
	calls  map[string]string // its methods, by path
	// endpoints are those of the protocol, by path.
	endpoints map[string]endpoint

	mu     sync.Mutex
	cells  int
	opened map[need]int
}

func (m *matrix) try(paths []string, keys []key) {
	m.atOnce(func(work chan<- func()) {
		for _, path := range paths {
			for _, method := range methods {
				for i, k := range keys {
					if i < fewKeys || method == "GET" || method == "POST" || method == m.calls[path] {
						work <- func() { m.cell(path, method, k) }
					}
				}
			}
		}
	})
}

// atOnce runs the work that give hands out, four at a time.
func (m *matrix) atOnce(give func(work chan<- func())) {
	var wg sync.WaitGroup
	work := make(chan func())
	for range 4 {
		wg.Go(func() {
			for f := range work {
				f()
			}
		})
	}
	give(work)
	close(work)
	wg.Wait()
}

var variable = regexp.MustCompile(`\{[^}]*\}+`)

// filled returns the route's path with values in the place of its variables.
func filled(path string) string {
	return variable.ReplaceAllStringFunc(path, func(v string) string {
		switch {
		case strings.HasPrefix(v, "{hash"):
			return "0abc"
		case v == "{entry}":
			return "edge"
		case v == "{name}":
			return "page.css"
		case v == "{upstream}":
			return fakeidp.Google
		}
		return "1"
	})
}

// cell sends one request, and judges the answer by what the door needs.
func (m *matrix) cell(path, method string, k key) {
	need := doors[path]
	open := slices.Contains(k.opens, need)
	if open && method == "POST" && need != permission && need != bearer {
		return // it would succeed
	}
	for _, fields := range m.scene.fields(path) {
		a := m.send(m.request(path, method, fields, k))
		// A request that was posted is turned into a GET, which comes with the browser's cookies.
		for range 3 {
			next, err := a.req.URL.Parse(a.Header.Get("Location"))
			if err != nil || a.Header.Get("Location") == "" || need != permission || next.Path != a.req.URL.Path {
				break
			}
			req, err := http.NewRequestWithContext(m.Context(), http.MethodGet, next.String(), nil)
			if err != nil {
				m.Fatal(err)
			}
			k.put(req, fields)
			req.URL = next
			a = m.send(req)
		}
		m.judge(path, method, k, open, a)
	}
}

func (m *matrix) send(req *http.Request) answer {
	res, err := m.client.Do(req)
	if err != nil {
		m.Errorf("%s %s: %v", req.Method, req.URL.Path, err)
		return answer{&http.Response{}, "", req}
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		m.Errorf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	m.mu.Lock()
	m.cells++
	m.mu.Unlock()
	return answer{res, string(raw), req}
}

// request returns a request with the key, and with all fields that would give it an effect.
func (m *matrix) request(path, method string, fields url.Values, k key) *http.Request {
	u := m.scene.north.Issuer + filled(path)
	var body io.Reader
	req, err := http.NewRequestWithContext(m.Context(), method, u, nil)
	if err != nil {
		m.Fatal(err)
	}
	k.put(req, fields)
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "get":
		if doors[path] == permission {
			req.URL.RawQuery = fields.Encode()
		}
	default:
		kind := "application/x-www-form-urlencoded"
		text := fields.Encode()
		if fixed, ok := m.bodies[path]; ok {
			kind, text = "application/json", withFields(fixed, fields)
		}
		body = strings.NewReader(text)
		withBody, err := http.NewRequestWithContext(m.Context(), method, req.URL.String(), body)
		if err != nil {
			m.Fatal(err)
		}
		withBody.Header = req.Header
		withBody.Header.Set("Content-Type", kind)
		req = withBody
	}
	return req
}
