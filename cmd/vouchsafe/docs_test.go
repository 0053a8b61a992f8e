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

	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/internal/golden"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// cell is text for a cell of a table in Markdown.
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

func TestDocsKnowEveryFieldOfClients(t *testing.T) {
	t.Parallel()
	golden.Check(t, "../../docs/clients.md", func(is string) string {
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
	known := map[string]bool{settings.EnvPrefix + "CONFIG": true, settings.EnvPrefix + "SERVICE_HOST": true}
	for _, s := range settings.All() {
		known[s.Env()], known[s.Env()+"_FILE"] = true, s.Secret
	}
	sh := newShell(t)
	helped := map[string]bool{}
	for _, path := range append(pages, "../../README.md", "../../SECURITY.md",
		"../../docker-compose.yml", "../../clients.yaml") {
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
