package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/users"
)

// TestListsComeInParts prints users who are more than are read at a time, whole and in
// parts, as a table and as JSON.
func TestListsComeInParts(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	const people = 450
	var rows strings.Builder
	for i := range people {
		fmt.Fprintf(&rows, `{"email":"p%d@example.com","username":"name-%s"}`+"\n", i,
			strings.Repeat("x", 1+i%30)+fmt.Sprint(i))
	}
	sh.file(t, "people.jsonl", rows.String())
	sh.do(t, "user", "import", "people.jsonl")

	ids := func(args ...string) (all []string) {
		t.Helper()
		var views []users.UserView
		if err := json.Unmarshal([]byte(sh.do(t, append([]string{"user", "list", "--json"}, args...)...)),
			&views); err != nil {
			t.Fatal(err)
		}
		for _, v := range views {
			all = append(all, v.ID)
		}
		return all
	}
	all := ids()
	if len(all) != people {
		t.Fatalf("got %d people, want %d", len(all), people)
	}
	var parts []string
	for after := ""; ; after = parts[len(parts)-1] {
		part := ids("--limit", "170", "--after", after)
		if len(part) == 0 {
			break
		}
		if len(part) > 170 {
			t.Fatalf("got a part of %d, want 170 at most", len(part))
		}
		parts = append(parts, part...)
	}
	if strings.Join(parts, " ") != strings.Join(all, " ") {
		t.Errorf("got %d people in parts, want the %d of the whole list", len(parts), len(all))
	}
	if lines := strings.Split(strings.TrimSpace(sh.do(t, "user", "list")), "\n"); len(lines) != people+1 ||
		!strings.HasPrefix(lines[0], "EMAIL ") {
		t.Errorf("got %d lines, the first %q, want a heading and %d", len(lines), lines[0], people)
	}
	if lines := strings.Split(strings.TrimSpace(sh.do(t, "user", "list", "--limit", "3")), "\n"); len(lines) != 4 {
		t.Errorf("got %d lines, want a heading and 3", len(lines))
	}
	for _, list := range []string{"user list --after ~", "client list --after ~", "tenant list --after ~", "mail dead"} {
		if got := sh.do(t, append(strings.Fields(list), "--json")...); got != "[]\n" {
			t.Errorf("%s: got %q, want an empty array", list, got)
		}
	}
	if got := sh.do(t, "tenant", "list", "--json"); !strings.HasPrefix(got, "[\n  {\n    \"id\": \"default\",\n") ||
		!strings.HasSuffix(got, "\n  }\n]\n") {
		t.Errorf("got %s, want an indented array", got)
	}
}
