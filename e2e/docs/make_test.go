package docs

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	makeTarget = regexp.MustCompile("(?m)(?:^|`)(?:[A-Z]+=[^ `]+ )*make ([a-z-]+)")
	goTest     = regexp.MustCompile(`\bgo test ([^` + "`" + `\n]*)`)
	runOf      = regexp.MustCompile(`-run '?([^' ]+)'?`)
	goRun      = regexp.MustCompile(`\bgo run \./([a-z0-9/]+)([^` + "`" + `\n]*)`)
	dashed     = regexp.MustCompile(` -([a-z]+)`)
)

// TestCommandsOfContributorsExist: each target of make that a document names is in the Makefile, each go test names a
// folder with tests that its -run finds, and each go run a program with the flags that are given.
func TestCommandsOfContributorsExist(t *testing.T) {
	t.Parallel()
	makefile := read(t, "Makefile")
	seen := 0
	for _, p := range pages(t) {
		if p.path == "CHANGELOG.md" { // it tells of what was, too
			continue
		}
		for _, m := range makeTarget.FindAllStringSubmatch(p.text, -1) {
			seen++
			if !strings.Contains(makefile, "\n"+m[1]+":") {
				t.Errorf("%s names `make %s`, which is no target", p.path, m[1])
			}
		}
		for _, m := range goTest.FindAllStringSubmatch(p.text, -1) {
			seen++
			for _, folder := range regexp.MustCompile(`\./[a-z0-9/]+`).FindAllString(m[1], -1) {
				tests := sources(t, folder, "_test.go")
				if tests == "" {
					t.Errorf("%s names `go test %s`: %s has no tests", p.path, m[1], folder)
				}
				for _, run := range runOf.FindAllStringSubmatch(m[1], -1) {
					first, _, _ := strings.Cut(run[1], "/") // the rest names subtests
					for _, name := range strings.Split(first, "|") {
						if !regexp.MustCompile(`func Test\w*` + strings.TrimPrefix(name, "Test")).MatchString(tests) {
							t.Errorf("%s names `go test %s`: no test is called %s", p.path, m[1], name)
						}
					}
				}
			}
		}
		for _, m := range goRun.FindAllStringSubmatch(p.text, -1) {
			seen++
			program := sources(t, m[1], ".go")
			for _, flag := range dashed.FindAllStringSubmatch(m[2], -1) {
				if !strings.Contains(program, `"`+flag[1]+`",`) {
					t.Errorf("%s names `go run ./%s%s`: the program has no -%s", p.path, m[1], m[2], flag[1])
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("found %d commands, want more", seen)
	}
}

// sources returns the files of a folder whose names end so, in one text.
func sources(t *testing.T, folder, end string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), folder, "*"+end))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		all.WriteString(readFile(t, file))
	}
	return all.String()
}
