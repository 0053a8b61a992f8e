package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
)

// allCommands returns the commands by their words, such as "user add", without those that are hidden.
func allCommands(t *testing.T) map[string]*kong.Node {
	t.Helper()
	a := &command.App{Terminal: terminal.Terminal{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}}
	if code := run(t.Context(), a, []string{"version"}); code != 0 {
		t.Fatalf("got exit %d", code)
	}
	all := map[string]*kong.Node{}
	for _, leaf := range a.Parser.Model.Leaves(true) {
		all[strings.TrimPrefix(leaf.FullPath(), "vouchsafe ")] = leaf
	}
	if len(all) < 90 {
		t.Fatalf("got %d commands", len(all))
	}
	return all
}

// hasFlag reports whether the command has a flag.
func hasFlag(n *kong.Node, name string) bool {
	return slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == name })
}

// TestAllCommandsKeepTheRules: help that fits 80 columns, exit code 2 for a faulty command line, --json for results,
// --yes where something is lost, and completion of what a command acts on. An exception has its reason.
func TestAllCommandsKeepTheRules(t *testing.T) {
	t.Parallel()
	withoutJSON := map[string]string{
		"serve": "runs until it is stopped", "server": "runs until it is stopped",
		"healthcheck": "its exit code is the result",
		"user export": "prints JSON lines or CSV", "audit export": "prints JSON lines",
		"completion": "prints a script", "help": "prints help",
	}
	withoutYes := map[string]string{
		"group leave": "group join undoes it", "role take": "role give undoes it", "admin remove": "admin add undoes it",
		"invitation withdraw": "user invite sends another", "audit prune": "servers do it every hour",
	}
	loses := regexp.MustCompile(`(remove|revoke|recover|forget|disconnect|unlink|sign-out|leave|take|withdraw|prune|` +
		`restored)[a-z-]*$`)
	// The caller makes these up, or a shell completes them.
	free := []string{"email", "text", "to", "shell", "words", "command", "file", "url"}
	created := regexp.MustCompile(` add$`)
	named := []string{"USER", "CLIENT-ID", "GROUP", "ROLE", "API", "KID", "UPSTREAM"} // what a flag's value names
	sh := newShell(t)
	for name, n := range allCommands(t) {
		out, errs, code := sh.inside(t, "", name+" --help")
		if code != 0 || errs != "" {
			t.Errorf("%s --help: got exit %d, %q", name, code, errs)
		}
		for line := range strings.Lines(out) {
			if columns := terminal.Columns(strings.TrimSuffix(line, "\n")); columns > 80 {
				t.Errorf("%s --help: a line has %d columns: %s", name, columns, line)
			}
		}
		if out, errs, code = sh.inside(t, "", name+" --no-such-flag"); code != 2 || out != "" ||
			!strings.Contains(errs, "--no-such-flag") && !strings.HasPrefix(name, "completion") {
			t.Errorf("%s with an unknown flag: got exit %d, %q, %q", name, code, out, errs)
		}
		if hasFlag(n, "json") == (withoutJSON[name] != "") {
			t.Errorf("%s: --json: %v, and the reason to have none is %q", name, hasFlag(n, "json"), withoutJSON[name])
		}
		if loses.MatchString(name) && hasFlag(n, "yes") == (withoutYes[name] != "") {
			t.Errorf("%s: --yes: %v, and the reason to have none is %q", name, hasFlag(n, "yes"), withoutYes[name])
		}
		for _, p := range n.Positional {
			if !slices.Contains(free, p.Name) && !created.MatchString(name) && p.Tag.Get("complete") == "" {
				t.Errorf("%s: <%s> is not completed", name, p.Name)
			}
		}
		for _, f := range n.Flags {
			if slices.Contains(named, f.PlaceHolder) && len(f.EnumMap()) == 0 && f.Tag.Get("complete") == "" {
				t.Errorf("%s: the value of --%s is not completed", name, f.Name)
			}
		}
	}
	if entries, err := os.ReadDir(sh.dir); err != nil || len(entries) > 0 {
		t.Errorf("help and faulty command lines left %v, %v", entries, err)
	}
}

// TestTimesHaveAZone: only terminal.Zoned writes times for humans. JSON has those of RFC 3339, and days are called days
// of UTC.
func TestTimesHaveAZone(t *testing.T) {
	t.Parallel()
	zoned := regexp.MustCompile(`\.(Format|AppendFormat)\((time\.RFC3339|time\.DateOnly|"2006-01-02 15:04:05 UTC")`)
	any := regexp.MustCompile(`\.(Format|AppendFormat)\(.*`)
	var files []string
	for _, pattern := range []string{"*.go", "*/*.go", "remote/api/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range any.FindAllString(string(source), -1) {
			if !zoned.MatchString(call) {
				t.Errorf("%s: %s writes a time without a zone", file, call)
			}
		}
	}
}
