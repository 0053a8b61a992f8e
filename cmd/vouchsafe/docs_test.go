package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/declare"
)

// settingsPage is docs/settings.md.
func settingsPage() string {
	var b strings.Builder
	b.WriteString(`# Settings

Without any settings, ` + "`vouchsafe serve`" + ` is a working server on localhost.

The setting ` + "`listen`" + ` in ` + "`vouchsafe.yaml`" + ` is ` + "`VOUCHSAFE_LISTEN`" + ` in the environment and ` + "`--listen`" + `
as a flag. Flags override the environment, and the environment overrides the file.
` + "`vouchsafe config`" + ` shows the settings in force; ` + "`vouchsafe config --sample`" + ` prints a file to
begin with.

Settings marked * are secret and have no flag. Add ` + "`_file`" + ` (` + "`_FILE`" + `) to the name to give the path
of a file with the secret: ` + "`VOUCHSAFE_DATABASE_URL_FILE`" + `.

A list is separated by commas, or is a list in YAML. Durations are written 90s, 15m, 720h. The
server refuses to start with misspelt or invalid settings, and reports all of them together.
It also refuses any other variable that begins with ` + "`VOUCHSAFE_`" + `, except those that Kubernetes
and Docker set for a Service or container of that name, such as ` + "`VOUCHSAFE_SERVICE_HOST`" + `.

| setting | default | |
|---|---|---|
`)
	for _, s := range settings {
		name, val := "`"+s.name+"`", s.tag.Get("default")
		if s.secret {
			name += " *"
		}
		if val != "" {
			val = "`" + val + "`"
		}
		if p := s.tag.Get("production"); p != "" {
			val += ", in production `" + p + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, val, cell(settingDocs[s.name]))
	}
	return b.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// clientFieldsTable is what docs/clients.md says of each field, from the schema.
func clientFieldsTable(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../clients.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs struct {
			Client struct{ Properties json.RawMessage }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	type field struct {
		Description string
		Default     any
		Enum        []string
		Items       struct{ Enum []string }
	}
	var b strings.Builder
	b.WriteString("\n| field | default | |\n|---|---|---|\n")
	// A decoder, for the order of the file.
	d := json.NewDecoder(strings.NewReader(string(schema.Defs.Client.Properties)))
	_, _ = d.Token()
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var f field
		if err := d.Decode(&f); err != nil {
			t.Fatal(err)
		}
		val := ""
		if f.Default != nil {
			val = "`" + strings.Trim(fmt.Sprint(f.Default), "[]") + "`"
		}
		if len(f.Enum) > 1 {
			f.Description += " One of `" + strings.Join(f.Enum, "`, `") + "`."
		}
		if len(f.Items.Enum) > 1 {
			f.Description += " Any of `" + strings.Join(f.Items.Enum, "`, `") + "`."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, val, cell(f.Description))
	}
	return b.String() + "\n"
}

// written compares the file with what it should be, or writes it.
func written(t *testing.T, path string, want func(is string) string) {
	t.Helper()
	is, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want(string(is)), string(is)); diff != "" && !*update {
		t.Errorf("go test ./cmd/vouchsafe -run %s -update mends it:\n%s", t.Name(), diff)
	} else if diff != "" {
		if err := os.WriteFile(path, []byte(want(string(is))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDocsKnowEverySettingAndField(t *testing.T) {
	t.Parallel()
	written(t, "../../docs/settings.md", func(string) string { return settingsPage() })
	written(t, "../../docs/clients.md", func(is string) string {
		const begin, end = "<!-- Made from clients.schema.json by a test -->\n", "<!-- End -->"
		before, rest, ok := strings.Cut(is, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatal("docs/clients.md has no place for the fields")
		}
		return before + begin + clientFieldsTable(t) + end + after
	})
}

var (
	fence       = regexp.MustCompile("(?s)```(sh|yaml)\n(.*?)```")
	settingName = regexp.MustCompile(`VOUCHSAFE_[A-Z_]*[A-Z]`)
	commandLine = regexp.MustCompile(`(?m)(?:^|[ /` + "`" + `])vouchsafe ((?:[a-z]+ )?[a-z]+)\b`)
)

// TestDocsAreTrue reads what a newcomer reads: settings and commands exist, and the
// clients and tenants that are shown are good ones.
func TestDocsAreTrue(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{envPrefix + "CONFIG": true, envPrefix + "SERVICE_HOST": true}
	for _, s := range settings {
		known[s.env()], known[s.env()+"_FILE"] = true, s.secret
	}
	sh := newShell(t)
	helped := map[string]bool{}
	for _, path := range append(pages, "../../README.md", "../../SECURITY.md", "../../docker-compose.yml", "../../clients.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range settingName.FindAllString(string(text), -1) {
			if !known[name] {
				t.Errorf("%s: %s is not a setting", path, name)
			}
		}
		for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
			switch {
			case strings.HasPrefix(block[2], "tenants:"):
				if _, faults := declare.Tenants(path, "https://id.example.com", []byte(block[2])); len(faults) > 0 {
					t.Errorf("%s: %v\n%s", path, faults.Err(), block[2])
				}
			case block[1] == "yaml":
				if _, faults := declare.Clients(path, []byte(block[2]), false); len(faults) > 0 {
					t.Errorf("%s: %v\n%s", path, faults.Err(), block[2])
				}
			default:
				for _, words := range commandLine.FindAllStringSubmatch(block[2], -1) {
					helped[words[1]] = true
				}
			}
		}
	}
	for _, words := range slices.Sorted(maps.Keys(helped)) {
		args := strings.Fields(words)
		if !slices.Contains([]string{"client", "user", "key", "tenant"}, args[0]) {
			args = args[:1]
		}
		sh.do(t, append(args, "--help")...)
	}
	if len(helped) == 0 {
		t.Error("no command was found")
	}
}
