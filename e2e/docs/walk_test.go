package docs

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/internal/redistest"
	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
)

// walk is how a test follows a document: all its shell blocks run in one shell, in their order, in a
// folder with a clone of the repository, beside a running server.
type walk struct {
	page string
	// production is whether the server has PostgreSQL and Redis.
	production bool
	// stopped is whether the server is stopped before the commands run, as the page demands of some.
	stopped bool
	// instead are functions of the shell that stand in for programs which a test cannot run, with the
	// reason as a comment.
	instead string
	// skipped are beginnings of lines that do not run, and why. Their commands and flags are checked all
	// the same.
	skipped map[string]string
	// before and after are commands of the test: what the reader has by then, and what must hold at the
	// end. shows TEXT COMMAND… fails unless the command prints the text, and hides unless it does not.
	before, after string
	// then checks what the page promises and no command shows.
	then func(t *testing.T, s *vouchsafetest.Server)
}

// tellsWhyNot returns a check that a page refuses a user who signs in to the client, says why, and names the contacts.
func tellsWhyNot(clientID string, p vouchsafetest.Person) func(*testing.T, *vouchsafetest.Server) {
	c := vouchsafetest.Client{
		"client_id": clientID, "redirect_uris": []string{"https://" + clientID + ".example.com/callback"},
	}
	return func(t *testing.T, s *vouchsafetest.Server) {
		t.Helper()
		page := s.Browser(t, p).Authorize(t, vouchsafetest.NewRequest(c)).Page
		for _, want := range []string{"with this account", "group", "it@example.com"} {
			if text := page.Text(t); page.Status != http.StatusForbidden || !strings.Contains(text, want) {
				t.Errorf("got %d and %q, want %q", page.Status, text, want)
			}
		}
		out := s.Command(t, "", "audit", "list", "--kind", "access.refused", "--user", p.Email)
		if !strings.Contains(out, c.ID()) {
			t.Errorf("got %q, want the refusal", out)
		}
	}
}

// sam is a user of the pages about management who may not use an app there.
var sam = vouchsafetest.Person{Email: "sam@example.com", Password: "violet tractor marble"}

const (
	needsID  = "it needs an id that the reader looks up"
	otherDB  = "backup.md has steps for two databases; the other walk runs it"
	noDaemon = "there is no Docker daemon, systemd or cluster; other tests read the samples"
)

var walks = []walk{
	{
		page: "README.md",
		instead: `
git() { [ "$1" = clone ]; }                         # the clone is here
make() { [ "$1" = run ]; }                          # the server runs
go() { :; }                                         # e2e/clients runs the program
createuser() { [ "$2" = vouchsafe ]; }              # PostgreSQL of the tests has a user
createdb() { [ "$2" = vouchsafe ]; }                # and a database
install() { test -x "$1"; }
sudo() { case $1 in -iu) shift 2 ;; esac; "$@"; }
# A real nginx, with the sample as it is but for ports, certificate and folder.
cp() {
	sed 's/127.0.0.1:8080/127.0.0.1:FREE/; s/listen 80;/listen 127.0.0.1:PLAIN;/; s/listen 443/listen 127.0.0.1:TLS/
		/listen \[::\]/d; s#/etc/letsencrypt/live/id.example.com#.#' "$1" >nginx/site.conf
}
nginx() { command nginx "$@" -p "$PWD/nginx" -c nginx.conf -e stderr; }
systemctl() { [ "$*" = "reload nginx" ] && nginx; } # it does not run yet
curl() {
	command curl -fsS --cacert nginx/fullchain.pem --connect-to id.example.com:443:127.0.0.1:TLS \
		-H "Host: ${HOST:-localhost:PORT}" "$@"
}
vouchsafe() {
	[ "$*" = serve ] || { command vouchsafe "$@"; return; }
	HOST=id.example.com
	unset VOUCHSAFE_CLIENTS
	export VOUCHSAFE_LISTEN=localhost:FREE VOUCHSAFE_METRICS_LISTEN=localhost:OPS VOUCHSAFE_STOP_DELAY=0s
	command vouchsafe serve >server.log 2>&1 & SERVER=$!
	trap 'nginx -s quit; kill $SERVER; wait $SERVER || true' EXIT
	for _ in $(seq 600); do
		! command curl -fsS http://localhost:OPS/readyz >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	cat server.log
	return 1
}`,
		before: `
mkdir -p vouchsafe/nginx
cat >vouchsafe/nginx/nginx.conf <<'END'
user root; # only root reads the folder of a test of root
pid nginx.pid;
events {}
http {
	access_log off; client_body_temp_path body; proxy_temp_path proxy;
	fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	include site.conf;
}
END
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=id.example.com \
	-addext subjectAltName=DNS:id.example.com -keyout vouchsafe/nginx/privkey.pem -out vouchsafe/nginx/fullchain.pem 2>/dev/null
`,
		after: `
shows 'Sign in</h1>' curl -L https://id.example.com/account
shows my-app vouchsafe client list
shows '"issuer":"https://id.example.com"' curl https://id.example.com/.well-known/openid-configuration
shows you@example.com vouchsafe user list
hides sample vouchsafe client list                  # they are in the other database
if curl https://id.example.com/dev; then exit 1; fi # a production server has no developer page
shows 'trusted_proxies .*127.0.0.1' vouchsafe config
`,
	},
	{page: "docs/branding.md"},
	{page: "docs/claims.md", before: "vouchsafe user add jo@example.com\n",
		after: "explain() { vouchsafe claim explain jo@example.com office --clients with-office.yaml; }\n" +
			"shows 'tier.*gold.*with-office.yaml:' explain\n"},
	{page: "docs/clients.md"},
	{page: "docs/logout.md", after: "shows logout_uri vouchsafe client show my-app --json\n"},
	{page: "docs/device.md", after: "shows device_code vouchsafe client show my-tv\n"},
	{page: "docs/data.md", after: "test -e audit.jsonl\n"},
	{page: "docs/management.md", before: "printf '%s' 'violet tractor marble' |" +
		" vouchsafe user add jo@example.com --verified --password-stdin\n",
		after: "shows engineers vouchsafe user show jo@example.com\n" +
			"shows 'skills.*go, sql' vouchsafe user show jo@example.com\n" +
			"shows 'orders:read' vouchsafe api show https://api.example.com\n" +
			"shows kim@example.com vouchsafe admin list\n" +
			"shows 'teams.*staff.*id_token' vouchsafe claim explain lee@example.com intranet\n" +
			"test $(vouchsafe role list --client intranet --json | grep -c name) = 2\n",
		then: tellsWhyNot("intranet", sam)},
	{page: "docs/mtls.md", skipped: map[string]string{"curl --cert": "there is no certificate; provider tests it"}},
	{page: "docs/mail.md", skipped: map[string]string{
		"vouchsafe mail test":  "there is no mail server; cmd/vouchsafe tests it",
		"vouchsafe mail retry": needsID, "vouchsafe mail drop": needsID,
	}},
	{page: "docs/management-api.md", after: "shows kim@example.com vouchsafe admin list\n" +
		"shows 'groups.*staff' vouchsafe claim explain kim@example.com wiki\n" +
		"test $(vouchsafe role list --client wiki --json | grep -c name) = 2\n",
		then: tellsWhyNot("wiki", sam)},
	{page: "docs/monitoring.md"},
	{page: "docs/second-factor.md", before: "vouchsafe user add jo@example.com\n"},
	{page: "docs/secrets.md", skipped: map[string]string{
		"vouchsafe key remove":    needsID,
		"vouchsafe secret reseal": "it watches for two minutes; e2e/threats runs the rounds",
	}},
	{page: "docs/sign-in-as.md", before: "vouchsafe user add jo@example.com\n" +
		"vouchsafe admin add kim@example.com --role support\n"},
	{page: "docs/tenants.md", after: "shows acme-office vouchsafe client list --tenant acme\n" +
		"hides acme vouchsafe client list\n"},
	{page: "docs/upgrade.md"},
	{page: "docs/users.md", after: "shows ada@example.com vouchsafe user list\n" +
		"hides jo@example.com vouchsafe user list\n"},
	{page: "docs/backend-auth.md", before: "APP_PASSWORD=Tidal7Lantern\n"},
	{page: "docs/api.md", before: `
printf '%s' violet-tractor-marble | vouchsafe user add jo@example.com --verified --password-stdin
cat >mobile.yaml <<'END'
clients:
  - client_id: mobile
    first_party: true
    token_endpoint_auth_method: none
    grant_types: ["urn:vouchsafe:first-party", authorization_code, refresh_token]
    redirect_uris: [http://localhost:3000/callback]
    scope: openid profile email offline_access
END
vouchsafe client apply --yes mobile.yaml
`, instead: `
curl() {                                            # with what each reader has of their own
	local word words=() issuer=https://id.example.com
	for word; do
		word=${word/$issuer/http://localhost:8080}
		word=${word/code_challenge=…/code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM}
		words+=("${word/…/violet-tractor-marble}")
	done
	command curl -fsS "${words[@]}" >>answers
}`, after: "shows '\"access_token\"' cat answers\nshows '\"authorization_code\"' cat answers\n"},
	{page: "docs/moving.md", skipped: map[string]string{
		"vouchsafe import keratin": "it needs a database of Keratin AuthN; cmd/vouchsafe makes one of each kind",
	}, instead: `
# The other products cannot be had here: each command leaves a sample of its export where it says.
psql() { local to=${3##*TO \'}; cp "exports/${to%%\'*}" .; }
firebase() { [ "$1 $3 $4" = 'auth:export --format=json --project' ] && cp exports/firebase.json "$2"; }
curl() { cat exports/kratos.json; }
python() { case $* in *' auth.user') cat exports/django.json ;; *) cat exports/django-more.json ;; esac; }
wp() { case $1 in user) cat exports/wordpress.json ;; *) cat exports/wordpress-meta.csv ;; esac; }
mysql() { cat exports/laravel-batch.tsv; }
sqlite3() { case $* in *webauthn*) cat exports/pocketid-passkeys.csv ;; *) cat exports/pocketid.csv ;; esac; }
vouchsafe() {                                       # for each product in a tenant, because samples have the same users
	local all=$* product
	product=${all#*--from }
	product=${product%% *}
	[ "$product" != user ] || product=default
	[ "$product" = default ] || command vouchsafe tenant show --tenant "$product" >/dev/null 2>&1 ||
		command vouchsafe tenant add "$product"
	command vouchsafe "$@" --tenant "$product" >out 2>err || [ $? = 1 ] # some rows of samples are refused, on purpose
	grep -Eq '^[1-9][0-9]* (would be )?added' out || { cat out err; return 1; }
}`, before: `
export VOUCHSAFE_ISSUER=https://id.example.com      # for which the passkeys are
DATABASE_URL=postgres://localhost/other
printf '#!/bin/sh\ncp exports/keycloak.json "$7"\n' >bin/kc.sh
chmod +x bin/kc.sh
cp exports/auth0.jsonl exports/auth0-hashes.jsonl exports/aspnet.json exports/aspnet-*.csv .
printf 'hash_config {\n  algorithm: SCRYPT,\n  base64_signer_key: c2lnbmVy,\n  base64_salt_separator: Bw==,\n' >firebase.txt
printf '  rounds: 8,\n  mem_cost: 14,\n}\n' >>firebase.txt
echo '{"email":"new@example.com"}' >users.jsonl
`, after: "command vouchsafe user show ann --tenant keycloak\ncommand vouchsafe user show new@example.com\n"},
	{page: "docs/backup.md", stopped: true, skipped: map[string]string{"pg_dump": otherDB, "pg_restore": otherDB}},
	{page: "docs/backup.md", production: true, stopped: true, skipped: map[string]string{
		"sqlite3": otherDB, "cp ": otherDB, "rm ": otherDB,
	}},
	{page: "docs/production.md", instead: `
docker() { cat >/dev/null; }                        # ` + noDaemon + `
kubectl() { :; }
systemctl() { :; }
journalctl() { :; }
systemd-run() { :; }
install() { local last=${!#}; [[ $last == /etc/* || $last == /usr/local/* ]]; }
sudo() { "$@"; }`},
}

// prelude are the functions of before and after, and the clients that a server of the clone has.
const prelude = `set -euo pipefail
shows() { local text=$1; shift; "$@" >seen; grep -q "$text" seen; }
hides() { local text=$1; shift; "$@" >seen; if grep "$text" seen; then return 1; fi; }
`

// TestEveryCommandIsWalked: no page with a shell block is forgotten.
func TestEveryCommandIsWalked(t *testing.T) {
	t.Parallel()
	walked := map[string]bool{}
	for _, w := range walks {
		walked[w.page] = true
	}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.lang == "sh" && !walked[p.path] && !ofLibraries(p.path) {
				t.Errorf("%s:%d: no test runs this", p.path, b.line)
			}
		}
	}
}

// TestCommandsOfThePagesRun follows each document with shell blocks, word by word but for addresses.
func TestCommandsOfThePagesRun(t *testing.T) {
	t.Parallel()
	for _, w := range walks {
		t.Run(fmt.Sprintf("%s production=%v", w.page, w.production), func(t *testing.T) {
			t.Parallel()
			w.follow(t)
		})
	}
}

func (w walk) follow(t *testing.T) {
	t.Helper()
	s := vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true, Production: w.production})
	clone := w.clone(t, s)
	replaced := w.addresses(t, s)
	script := prelude + w.instead + "\n" + w.before
	if !w.production {
		s.Command(t, "", "client", "apply", "--yes", filepath.Join(root(t), "clients.yaml"))
	}
	if w.stopped {
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range readPage(t, w.page).blocks {
		if b.lang != "sh" {
			continue
		}
		script += fmt.Sprintf("echo '--- line %d'\n%s", b.line, w.without(b.text))
	}
	script = replaced.Replace(script + "\n" + w.after)
	file := filepath.Join(filepath.Dir(clone), "walk.sh")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", file)
	cmd.Dir = clone
	if w.page == "README.md" { // it begins with the clone
		cmd.Dir = filepath.Dir(clone)
	}
	cmd.Env = append(s.Environ(), "PATH="+filepath.Join(clone, "bin")+":"+os.Getenv("PATH"))
	cmd.WaitDelay = 10 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s\nThe script:\n%s", w.page, err, out, numbered(script))
	}
	if w.then != nil && !t.Failed() {
		w.then(t, s)
	}
}

// clone makes a folder with what the documents name: the binary, the samples and the files that a page
// shows with a name. Its data is the server's.
func (w walk) clone(t *testing.T, s *vouchsafetest.Server) (folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "vouchsafe")
	for _, dir := range []string{folder, filepath.Join(folder, "bin")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"bin/vouchsafe": program(t), "examples": filepath.Join(root(t), "examples"),
		"clients.yaml": filepath.Join(root(t), "clients.yaml"), "data": filepath.Join(s.Dir, "data"),
		"exports": filepath.Join(root(t), "people/importing/exports/testdata"),
	} {
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range readPage(t, w.page).blocks {
		name := b.name
		if name == "" && strings.HasPrefix(b.text, "tenants:\n") {
			name = "tenants.yaml"
		}
		if b.lang != "yaml" || name == "" {
			continue
		}
		file := filepath.Join(folder, name)
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) { // what it leads to is the project's own
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// addresses replaces the addresses of the documents by those of the test.
func (w walk) addresses(t *testing.T, s *vouchsafetest.Server) *strings.Replacer {
	t.Helper()
	pairs := []string{
		"http://localhost:8080", s.Issuer, "http://localhost:8081", s.Operations, "PORT", s.Address[len("127.0.0.1:"):],
	}
	if w.page == "README.md" {
		for _, name := range []string{"FREE", "OPS", "PLAIN", "TLS"} {
			port, err := testdaemon.FreePort()
			if err != nil {
				t.Fatal(err)
			}
			pairs = append(pairs, name, strconv.Itoa(port))
		}
		pairs = append(pairs, "postgres://vouchsafe:PASSWORD@localhost/vouchsafe", pgtest.Start(t),
			"redis://localhost:6379", redistest.Start(t))
	}
	return strings.NewReplacer(pairs...)
}

var continued = regexp.MustCompile(`\\\n\s*`)

// without returns the block without the lines that are skipped.
func (w walk) without(text string) string {
	var out strings.Builder
	for line := range strings.Lines(continued.ReplaceAllString(text, "")) {
		for beginning := range w.skipped {
			if strings.HasPrefix(line, beginning) {
				line = ": skipped\n"
			}
		}
		out.WriteString(line)
	}
	return out.String()
}

func numbered(script string) string {
	var out strings.Builder
	for i, line := range strings.Split(script, "\n") {
		fmt.Fprintf(&out, "%4d %s\n", i+1, line)
	}
	return out.String()
}
