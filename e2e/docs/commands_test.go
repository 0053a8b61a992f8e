package docs

import (
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
)

// program returns the path of the program, as it is shipped.
func program(t *testing.T) string {
	t.Helper()
	path, err := buildtest.Build(false)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	listed   = regexp.MustCompile(`(?m)^  ([a-z-]+(?: [a-z-]+)?)(?:  +\S|$)`)
	mention  = regexp.MustCompile("(?:^|[ `(/])vouchsafe ([a-z][^`\n|;&#)<>]*)")
	flagName = regexp.MustCompile(`(?:^|[ \[(])(--[a-z][a-z-]*)`)
)

// TestCommandsExist: every command that a document names is one of the program, with the flags that the
// document gives it.
func TestCommandsExist(t *testing.T) {
	t.Parallel()
	binary := program(t)
	help := sync.OnceValue(func() string { return helpOf(t, binary) })
	commands := map[string]bool{}
	for _, m := range listed.FindAllStringSubmatch(help(), -1) {
		commands[m[1]] = true
		commands[strings.Fields(m[1])[0]] = true // the family
	}
	helps := map[string]string{}
	seen := 0
	for _, p := range pages(t) {
		if p.path == "CHANGELOG.md" { // it tells of what was, too
			continue
		}
		for _, m := range mention.FindAllStringSubmatch(strings.ReplaceAll(p.text, "\\\n", ""), -1) {
			words := strings.Fields(strings.TrimPrefix(m[1], "help ")) // help and a command
			if m[1] == "help" || len(words) == 0 || words[0] == "[" {
				continue
			}
			command := words[0]
			if len(words) > 1 && commands[words[0]+" "+words[1]] {
				command += " " + words[1]
			}
			if !commands[command] {
				if !strings.Contains(p.prose, "`vouchsafe "+m[1]) && !inBlocks(p, "vouchsafe "+m[1]) {
					continue // not in code: the name of the product, or of a user
				}
				t.Errorf("%s names `vouchsafe %s`, which is not a command", p.path, m[1])
				continue
			}
			seen++
			if helps[command] == "" {
				helps[command] = helpOf(t, binary, strings.Fields(command)...)
			}
			for _, flag := range flagName.FindAllStringSubmatch(m[1], -1) {
				if !regexp.MustCompile(regexp.QuoteMeta(flag[1]) + `\b`).MatchString(helps[command]) {
					t.Errorf("%s names `vouchsafe %s`: the command has no %s", p.path, strings.TrimSpace(m[1]), flag[1])
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("found %d commands in the documents, want many more", seen)
	}
}

func inBlocks(p page, text string) bool {
	for _, b := range p.blocks {
		if strings.Contains(strings.ReplaceAll(b.text, "\\\n", ""), text) {
			return true
		}
	}
	return false
}

func helpOf(t *testing.T, binary string, command ...string) string {
	t.Helper()
	cmd := exec.Command(binary, append(command, "--help")...)
	cmd.Dir, cmd.Env = t.TempDir(), []string{"COLUMNS=200"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("vouchsafe %s --help: %v\n%s", strings.Join(command, " "), err, out)
	}
	return string(out)
}
