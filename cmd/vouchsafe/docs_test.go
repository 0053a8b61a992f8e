package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/golden"
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
