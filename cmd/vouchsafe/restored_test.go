package main

import (
	"strings"
	"testing"
)

// TestRestoredRevokesAPIKeys only if it is asked to: programs need new ones then.
func TestRestoredRevokesAPIKeys(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	sh.do(t, "migrate")
	sh.do(t, "client", "add", "jobs", "--kind", "service", "--scope", "jobs:run")
	sh.do(t, "api-key", "add", "Nightly", "--client", "jobs", "--scope", "jobs:run")
	for _, step := range []struct {
		args []string
		want string
	}{
		{[]string{"restored", "--yes", "--json"}, `"api_keys": 0`},
		{[]string{"restored", "--yes", "--json", "--api-keys", "--before", "2020-01-01T00:00:00Z"}, `"api_keys": 0`},
		{[]string{"restored", "--yes", "--json", "--api-keys"}, `"api_keys": 1`},
		{[]string{"restored", "--yes", "--json", "--api-keys"}, `"api_keys": 0`},
	} {
		if out := sh.do(t, step.args...); !strings.Contains(out, step.want) {
			t.Errorf("%v: got %s, want %s", step.args, out, step.want)
		}
	}
}
