package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
)

// inside runs a command in this process, which is quicker where a test runs many. Files have to be named from
// the root, because the command runs in the folder of the tests.
func (s *shell) inside(t *testing.T, stdin, line string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs strings.Builder
	a := &command.App{Terminal: terminal.Terminal{In: strings.NewReader(stdin), Out: &out, Err: &errs},
		Environ: append([]string{"VOUCHSAFE_DATA=" + filepath.Join(s.dir, "data")}, s.env...)}
	code = run(t.Context(), a, strings.Fields(line))
	return out.String(), errs.String(), code
}

// An administrator in the wrong folder is told so: no command but serve and migrate makes a database.
func TestCommandsMakeNoDatabase(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.file(t, "clients.yaml", clientsBefore)
	sh.file(t, "tenants.yaml", "tenants: {}\n")
	untried := allCommands(t)
	clientsFile, tenantsFile := filepath.Join(sh.dir, "clients.yaml"), filepath.Join(sh.dir, "tenants.yaml")
	for _, line := range []string{
		"user list", "user add jo@example.com", "user show jo", "user password jo --password-stdin", "user recover jo --yes",
		"user disable jo", "user enable jo", "user remove jo --yes", "user check", "user import - --format jsonl",
		"user export", "user invite jo@example.com", "client add a --kind service", "client list", "client show a",
		"client remove a --yes", "client apply " + clientsFile, "client diff " + clientsFile, "key list", "key rotate",
		"key remove a --yes", "secret list", "secret reseal", "secret forget a --yes", "mail dead", "mail retry --all",
		"mail drop a --yes",
		"audit export", "audit prune", "tenant add a", "tenant list", "tenant remove a --yes", "tenant apply " + tenantsFile,
		"tenant diff " + tenantsFile, "restored --yes", "client edit a --set client_name=A",
		"client allow a", "client deny a --yes", "client refresh a", "client secrets a", "client add-secret a",
		"client remove-secret a s --yes",
		"client logouts a", "client replay-logouts a --session s", "user find jo", "user lift-limits jo",
		"user edit jo --name Jo", "user send-reset jo", "user sessions jo", "user sign-out jo --yes",
		"user passkeys jo", "user remove-passkey jo p --yes", "user grants jo", "user revoke-grant jo g --yes",
		"user apps jo", "user disconnect jo a --yes", "user identities jo", "user unlink jo google s --yes",
		"user sign-in-as jo --reason support --as jo", "invitation list", "invitation resend jo@example.com",
		"invitation withdraw jo@example.com", "claim explain jo a", "group add staff", "group list",
		"group edit staff --title Staff", "group remove staff --yes", "group members staff",
		"group join staff jo", "group leave staff jo", "role add r --client a", "role list --client a",
		"role holders r --client a", "role edit r --client a --title R", "role remove r --client a --yes",
		"role give r --client a --user jo", "role take r --client a --user jo", "api put https://api.example",
		"api list", "api show https://api.example", "api remove https://api.example --yes",
		"admin add jo --role owner", "admin list", "admin remove jo", "upstream list", "upstream show google",
		"upstream test google", "mail waiting", "audit list", "stats", "tenant show",
		"tenant edit --set name=A", "webhook list", "webhook add https://app.example", "webhook edit w --description A",
		"api-key list --client c", "api-key add Backup --client c --scope s", "api-key rotate k --client c",
		"api-key remove k --client c --yes",
		"webhook remove w --yes", "webhook rotate w", "webhook test w", "webhook replay w --event e", "webhook deliveries w",
		"tenant login a --email a@example.com --password-stdin",
		"user list --data " + filepath.Join(sh.dir, "elsewhere"),
	} {
		folder := "data"
		if strings.Contains(line, "--data") {
			folder = "elsewhere"
		}
		folder = filepath.Join(sh.dir, folder)
		out, errs, code := sh.inside(t, "secret\n", line)
		if code != 1 || out != "" || !strings.Contains(errs, "there is no data at "+folder+"\n") ||
			!strings.Contains(errs, "--data or VOUCHSAFE_DATA") {
			t.Errorf("%s: got exit %d, %q, %q", line, code, out, errs)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Fatalf("%s made %s", line, folder)
		}
		for name := range untried {
			if strings.HasPrefix(line+" ", name+" ") {
				delete(untried, name)
			}
		}
	}
	for name, why := range map[string]string{
		"serve": "makes it", "server": "makes it", "migrate": "makes it", "client secret": "needs none",
		"gateway check": "needs none", "config": "needs none", "healthcheck": "needs none", "completion": "has a test",
		"version": "needs none", "help": "needs none", "mail test": "needs none", "import keratin": "has a test",
	} {
		if untried[name] == nil {
			t.Errorf("%s: there is no such command that %s", name, why)
		}
		delete(untried, name)
	}
	for name := range untried {
		t.Errorf("%s is not tried where there is no data", name)
	}
}

// An empty folder is no database, and stays empty.
func TestCommandsFillNoEmptyFolder(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	if err := os.Mkdir(filepath.Join(sh.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"user list", "key rotate"} {
		sh.fails(t, 1, strings.Fields(line)...)
	}
	if entries, err := os.ReadDir(filepath.Join(sh.dir, "data")); err != nil || len(entries) > 0 {
		t.Errorf("got %v, %v", entries, err)
	}
}

// A command names its database for the administrator, not for a script.
func TestCommandsNameTheirDatabase(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	name := "Database: " + filepath.Join(sh.dir, "data", "vouchsafe.db") + "\n"
	for _, line := range []string{"user list", "user add jo@example.com", "key rotate", "migrate", "client list --json"} {
		out, errs, code := sh.run(t, "", strings.Fields(line)...)
		if code != 0 || strings.Contains(out, "Database:") || strings.Count(errs, name) != 1 {
			t.Errorf("%s: got exit %d, %q, %q", line, code, out, errs)
		}
	}
	if out := sh.do(t, "user", "list", "--data", "./data"); !strings.Contains(out, "jo@example.com") {
		t.Errorf("got %s", out)
	}
	for _, line := range []string{"version", "config", "client secret", "completion bash"} {
		if _, errs, _ := sh.inside(t, "", line); strings.Contains(errs, "Database:") {
			t.Errorf("%s: got %q, which needs no database", line, errs)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	for _, c := range []struct {
		code       int
		line, errs string
	}{
		{0, "--version", ""},
		{0, "version", ""},
		{0, "help", ""},
		{0, "help user add", ""},
		{0, "user --help", ""},
		{2, "help user ad", `there is no command "user ad"`},
		{2, "usr list", `did you mean "user"?`},
		{2, "user lst", "See vouchsafe user --help\n"},
		{2, "user list --jsn", "unknown flag --jsn, did you mean \"--json\"?\nSee vouchsafe user list --help\n"},
		{2, "user list --tenant", "--tenant: the value is missing\n"},
		{2, "user show", `expected "<user>"`},
		{2, "client add x", "missing flags: --kind=KIND"},
		{2, "key rotate --alg none", "--alg must be one of"},
		{1, "user show no@example.com", `there is no user "no@example.com"`},
		{1, "user list --tenant none", `there is no tenant "none"`},
		{1, "client apply /none.yaml", "/none.yaml"},
	} {
		out, errs, code := sh.inside(t, "", c.line)
		if code != c.code || !strings.Contains(errs, c.errs) {
			t.Errorf("%s: got exit %d, %q, want %d, %q", c.line, code, errs, c.code, c.errs)
		}
		if code != 0 && out != "" {
			t.Errorf("%s: got %q on standard output, where a script reads results", c.line, out)
		}
	}
	if flag, command := sh.do(t, "--version"), sh.do(t, "version"); flag != command ||
		!strings.HasPrefix(flag, "vouchsafe ") {
		t.Errorf("got %q and %q", flag, command)
	}
	if help, flag := sh.do(t, "help", "user", "add"), sh.do(t, "user", "add", "--help"); help != flag {
		t.Errorf("got %q, want %q", help, flag)
	}
}

// The reader of a pipe may end first, as head does.
func TestBrokenPipeIsNoError(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	var rows strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&rows, `{"username":"u%s%d"}`+"\n", strings.Repeat("x", i%20), i)
	}
	if _, errs, code := sh.run(t, rows.String(), "user", "import", "-", "--format", "jsonl"); code != 0 {
		t.Fatal(errs)
	}
	for _, flags := range [][]string{{"user", "list"}, {"user", "list", "--json"}} {
		cmd := sh.command(flags...)
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReaderSize(out, 16).ReadString('\n'); err != nil {
			t.Error(err)
		}
		_ = out.Close()
		_ = cmd.Wait() // ended by the signal
		if strings.Contains(errs.String(), "vouchsafe:") {
			t.Errorf("%v: got %q", flags, errs.String())
		}
	}
}

// What a script or a log file gets has no colours and no bars, with NO_COLOR or without.
func TestNoEscapesInPipes(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t, "TERM=xterm-256color", "CLICOLOR_FORCE=1")
	for _, line := range []string{"help", "user --help", "user import - --format jsonl", "user list", "usr"} {
		out, errs, _ := sh.inside(t, `{"username":"jo"}`+"\n", line)
		if strings.ContainsAny(out+errs, "\x1b\r") {
			t.Errorf("%s: got %q, %q", line, out, errs)
		}
	}
}
