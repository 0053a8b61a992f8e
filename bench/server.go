package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/internal/redistest"
)

// server is Vouchsafe with its databases.
type server struct {
	*process
	target
	program, dir string
	env          []string
	metrics      string // the URL of /metrics
	database     string // the URL of PostgreSQL, or "" for SQLite
	redis        *redistest.Server
	closers      []func() error
	cold         time.Duration
}

const (
	person   = "bench@example.com"
	password = "correct horse battery staple"
	callback = "https://web.example/callback"
)

var webSecret, serviceSecret = rand.Text() + rand.Text(), rand.Text() + rand.Text()

var clients = `clients:
  - client_id: web
    first_party: true
    client_secret_hash: ` + vouchsafetest.SecretHash(webSecret) + `
    redirect_uris: [` + callback + `]
    grant_types: [authorization_code, refresh_token]
    scope: openid profile email offline_access mapped
    claims:
` + tenRules() + `    id_token_signed_response_alg: ES256
    may_act: [service]
  - client_id: tv
    application_type: native
    token_endpoint_auth_method: none
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]
    scope: openid email offline_access
  - client_id: service
    client_secret_hash: ` + vouchsafetest.SecretHash(serviceSecret) + `
    grant_types: [client_credentials, "urn:ietf:params:oauth:grant-type:token-exchange"]
    scope: reports profile
  - client_id: job
    token_endpoint_auth_method: private_key_jwt
    grant_types: [client_credentials]
    scope: reports
    workloads:
      - issuer: https://platform.example
        jwks: ` + workloadKeys() + `
        claims: {sub: job}
`

// tenants lets clients register themselves.
const tenants = "tenants: {default: {outside_clients: {registration: anyone}}}\n"

// The gateway of the measured server: the proxy that asks has an address of its own, so that the requests of all other
// operations come from no proxy.
const (
	proxyAddress = "127.0.0.2"
	appHost      = "app.example"
	gatewayRules = `gateway:
  entries:
    - {id: edge, form: traefik}
  rules:
    - name: public
      hosts: [` + appHost + `]
      paths: [/public/*]
      public: true
    - name: app
      hosts: [` + appHost + `]
      headers: [user, email, groups, identity]
`
)

// tenRules are rules about claims, in YAML, for requests with the scope mapped.
func tenRules() string {
	var b strings.Builder
	known := []string{"profile.email", "profile.email_verified", "profile.updated_at", "tenant.id", "client.client_id"}
	for i, from := range append(known, known...) {
		fmt.Fprintf(&b, "      - {claim: claim_%d, from: %s, as: list, scope: mapped", i, from)
		b.WriteString(", in: [id_token, access_token]}\n")
	}
	return b.String()
}

// startServer prepares a server with a database, clients and a user. It does not start the process.
func startServer(program, store string) (*server, error) {
	dir, err := os.MkdirTemp("", "vouchsafe-bench-")
	if err != nil {
		return nil, err
	}
	s := &server{program: program, dir: dir, closers: []func() error{func() error { return os.RemoveAll(dir) }}}
	port, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	s.issuer, s.metrics = "http://localhost:"+port[0], "http://127.0.0.1:"+port[1]+"/metrics"
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "VOUCHSAFE_CLIENTS=clients.yaml", "VOUCHSAFE_TENANTS=tenants.yaml",
		"VOUCHSAFE_LISTEN=127.0.0.1:" + port[0], "VOUCHSAFE_ISSUER=" + s.issuer,
		"VOUCHSAFE_METRICS_LISTEN=127.0.0.1:" + port[1],
		"VOUCHSAFE_UNLIMITED_ADDRESSES=127.0.0.1", "VOUCHSAFE_LOG_LEVEL=info", "VOUCHSAFE_STOP_DELAY=0s",
		"VOUCHSAFE_DEVELOPMENT=false", "VOUCHSAFE_GATEWAY=gateway.yaml", "VOUCHSAFE_TRUSTED_PROXIES=" + proxyAddress,
	}
	if err := os.WriteFile(filepath.Join(dir, "clients.yaml"), []byte(clients), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "tenants.yaml"), []byte(tenants), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "gateway.yaml"), []byte(gatewayRules), 0o600); err != nil {
		return nil, err
	}
	if store == "postgres" {
		if err := s.startDatabases(); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	if err := s.command("", "migrate"); err != nil {
		return nil, errors.Join(err, s.close())
	}
	// Clients come before the database is filled, because grants belong to clients.
	if err := s.command("", "client", "apply", "clients.yaml"); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := s.command(password, "user", "add", person, "--verified", "--password-stdin"); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// startDatabases starts PostgreSQL and Redis.
func (s *server) startDatabases() error {
	pg, err := pgtest.Run()
	if err != nil {
		return err
	}
	s.closers = append(s.closers, pg.Close)
	if s.database, err = pg.NewDatabase(); err != nil {
		return err
	}
	if s.redis, err = redistest.Run(); err != nil {
		return err
	}
	s.closers = append(s.closers, s.redis.Close)
	s.env = append(s.env, "VOUCHSAFE_DATABASE_URL="+s.database, "VOUCHSAFE_REDIS_URL="+s.redis.URL(),
		"VOUCHSAFE_SECRET=0aK9bL8cM7dN6eP5fQ4gR3hS2iT1jU0k")
	return nil
}

// command runs a command of the program.
func (s *server) command(stdin string, args ...string) error {
	_, err := s.output(stdin, args...)
	return err
}

// output returns what a command prints.
func (s *server) output(stdin string, args ...string) (string, error) {
	cmd := exec.Command(s.program, args...)
	var errs strings.Builder
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stderr = s.dir, s.env, strings.NewReader(stdin), &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("vouchsafe %s: %w\n%s%s", strings.Join(args, " "), err, errs.String(), out)
	}
	return string(out), nil
}

// startAgain starts the server five times and keeps the last. cold becomes the median time to the
// first answer.
func (s *server) startAgain() error {
	var took []time.Duration
	for i := range 5 {
		cmd := exec.Command(s.program, "serve")
		cmd.Dir, cmd.Env = s.dir, s.env
		began := time.Now()
		p, err := startPinned(cmd)
		if err != nil {
			return err
		}
		s.process = p
		if err := s.await(); err != nil {
			return errors.Join(err, p.stop())
		}
		if took = append(took, time.Since(began)); i < 4 {
			if err := p.stop(); err != nil {
				return err
			}
		}
	}
	slices.Sort(took)
	s.cold = took[2]
	s.closers = append(s.closers, func() error { return s.process.stop() })
	return nil
}

// await waits up to 30 seconds for the first answer.
func (s *server) await() error {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		res, err := http.Get(s.issuer + "/.well-known/openid-configuration")
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return nil
		}
	}
	return errors.New("the server does not serve\n" + s.out.String())
}

// close ends everything that was started, in reverse order.
func (s *server) close() error {
	var errs []error
	for _, f := range slices.Backward(s.closers) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// idleFor is how long the server gets no requests before its idle memory is read. Its periodic work
// has run once by then.
const idleFor = 20 * time.Second

// printStart prints what the server costs without requests.
func (s *server) printStart(store string) {
	time.Sleep(idleFor)
	size := int64(0)
	if info, err := os.Stat(s.program); err == nil {
		size = info.Size()
	}
	name := map[string]string{"sqlite": "SQLite", "postgres": "PostgreSQL + Redis"}[store]
	fmt.Printf("\n%s: cold start to the first answer %v, idle memory %.1f MiB, executable %.1f MiB\n\n",
		name, s.cold.Round(time.Millisecond), s.memory("VmRSS"), float64(size)/(1<<20))
}

var statements = regexp.MustCompile(`(?m)^vouchsafe_sql_statements_total\{[^}]*\} (\S+)$`)

// spent returns how many SQL statements and Redis commands the server has run so far.
func (s *server) spent(ctx context.Context) (sql, redis float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.metrics, nil)
	if err != nil {
		return 0, 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, 0, err
	}
	for _, m := range statements.FindAllSubmatch(text, -1) {
		n, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return 0, 0, err
		}
		sql += n
	}
	if s.redis == nil {
		return sql, 0, nil
	}
	redis, err = redisCommands(s.redis.Address())
	return sql, redis, err
}

// redisCommands returns how many commands Redis has run.
func redisCommands(addr string) (float64, error) {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(c, "INFO stats\r\nQUIT\r\n"); err != nil {
		return 0, err
	}
	text, err := io.ReadAll(c)
	if err != nil {
		return 0, err
	}
	_, after, ok := strings.Cut(string(text), "total_commands_processed:")
	n, _, _ := strings.Cut(after, "\r")
	if !ok {
		return 0, errors.New("redis: no count of commands")
	}
	return strconv.ParseFloat(n, 64)
}

// freePorts returns n ports at which no program listens now.
func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}
