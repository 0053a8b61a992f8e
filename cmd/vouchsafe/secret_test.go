package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/operations"
	"github.com/vouchsafe/vouchsafe/internal/secret"
)

func TestSecretCommands(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	given := func(secrets string) {
		sh.env = append(sh.env, "VOUCHSAFE_SECRET="+secrets) // the last one counts
	}
	first, second := secret.Token(), secret.Token()
	given(first)
	sh.do(t, "key", "rotate")
	var listed []operations.SecretView
	states := func(want ...string) {
		t.Helper()
		sh.read(t, &listed, "secret", "list", "--json")
		var got []string
		for _, v := range listed {
			got = append(got, v.State)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	states("seals")
	given(second)
	states("seals", "missing")
	missing := listed[1].Fingerprint
	for _, line := range [][]string{{"key", "rotate"}, {"user", "invite", "jo@example.com"},
		{"secret", "forget", "--yes", "0123"}} {
		if out := sh.fails(t, 1, line...); !strings.Contains(out, "secret") {
			t.Errorf("%v: got %s", line, out)
		}
	}
	if out := sh.fails(t, 2, "secret", "forget", missing); !strings.Contains(out, "What it sealed is lost for good.") {
		t.Errorf("got %s", out)
	}
	given(second + "," + first)
	if out := sh.fails(t, 1, "secret", "forget", "--yes", missing); !strings.Contains(out, "reseal") {
		t.Errorf("a secret that is given is forgotten: %s", out)
	}
	states("seals", "opens")
	if out := sh.do(t, "secret", "reseal"); !strings.Contains(out, "signing keys: 2, sealed again 2") {
		t.Errorf("got %s", out)
	}
	states("seals", "given, not needed")
	given(second)
	sh.do(t, "key", "rotate")
	// Lost altogether.
	given(secret.Token())
	states("seals", "missing")
	sh.do(t, "secret", "forget", "--yes", listed[1].Fingerprint)
	states("seals")
}
