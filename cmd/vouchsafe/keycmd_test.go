package main

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/operations"
)

func TestKeyCommands(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	kid := strings.TrimSpace(sh.do(t, "key", "rotate", "--alg", "EdDSA", "--now"))
	sh.do(t, "key", "rotate", "--alg", "EdDSA")
	out := sh.do(t, "key", "list", "--json")
	if !strings.Contains(out, kid) || strings.Contains(out, "private") {
		t.Errorf("got %s", out)
	}
	var keys []operations.KeyView
	sh.read(t, &keys, "key", "list", "--json")
	var states []string
	for _, k := range keys {
		states = append(states, k.Algorithm+" "+string(k.State))
	}
	if diff := cmp.Diff([]string{"EdDSA signing", "EdDSA next"}, states); diff != "" {
		t.Error(diff)
	}
	if until := keys[0].SignsUntil; until == nil || !until.Equal(keys[1].ActiveAt) {
		t.Errorf("the first signs until %v, want %s", until, keys[1].ActiveAt)
	}
	turn := keys[1].ActiveAt.UTC().Format("2006-01-02 15:04:05 UTC")
	table := sh.do(t, "key", "list")
	for _, want := range []string{"signing (until " + turn + ")", "published (signs from " + turn + ")"} {
		if !strings.Contains(table, want) {
			t.Errorf("got %s, want %s", table, want)
		}
	}
	sh.do(t, "key", "rotate", "--alg", "EdDSA", "--now")
	sh.read(t, &keys, "key", "list", "--json")
	if table := sh.do(t, "key", "list"); keys[0].ExpiresAt == nil || !strings.Contains(table,
		"retired (verifies until "+keys[0].ExpiresAt.UTC().Format("2006-01-02 15:04:05 UTC")+")") {
		t.Errorf("got %s", table)
	}
	sh.do(t, "key", "remove", "--yes", "--", kid)
	sh.fails(t, 1, "key", "remove", "--yes", "--", kid)
	if out := sh.do(t, "key", "list"); strings.Contains(out, kid) {
		t.Errorf("got %s", out)
	}
}

// Two administrators rotate at once: each gets keys of their own, of every algorithm.
func TestRotatingKeysAtOnceFromTwoPlaces(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "key", "rotate", "--now")
	var wg sync.WaitGroup
	kids := make([][]string, 3)
	for i := range kids {
		wg.Go(func() {
			out, errs, code := sh.run(t, "", "key", "rotate", "--now")
			if kids[i] = strings.Fields(out); code != 0 || len(kids[i]) != 2 {
				t.Errorf("exit %d, got %q: %s", code, out, errs)
			}
		})
	}
	wg.Wait()
	var keys []operations.KeyView
	sh.read(t, &keys, "key", "list", "--json")
	n := map[string]int{}
	for _, k := range keys {
		n[k.Algorithm+" "+string(k.State)]++
	}
	if diff := cmp.Diff(map[string]int{"ES256 signing": 1, "ES256 published": 3, "RS256 signing": 1, "RS256 published": 3},
		n); diff != "" {
		t.Error(diff)
	}
}

func TestMistakenSecretIsToldAtTheStart(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	kids := strings.Fields(sh.do(t, "key", "rotate", "--now"))
	sh.env = append(sh.env, "VOUCHSAFE_SECRET="+goodSecret)
	errs := sh.fails(t, 1, "serve")
	_, print, told := strings.Cut(errs, "If it is lost: vouchsafe secret forget ")
	if !told || !strings.Contains(errs, "sealed with the master secret "+strings.TrimSpace(print)) {
		t.Fatalf("got %s", errs)
	}
	// As the complaints say: it is lost.
	sh.do(t, "secret", "forget", "--yes", strings.TrimSpace(print))
	if errs := sh.fails(t, 1, "serve"); !strings.Contains(errs, "sealed with another master secret") {
		t.Errorf("got %s", errs)
	}
	for _, kid := range kids {
		sh.do(t, "key", "remove", "--yes", "--", kid)
	}
	sh.serve(t)
}

// An operator who fears for the keys and names no algorithm means all of them.
func TestRotatingKeysAtOnceLeavesNoOldOneSigning(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "key", "rotate", "--alg", "EdDSA", "--now")
	states := func() map[string]int {
		var keys []operations.KeyView
		sh.read(t, &keys, "key", "list", "--json")
		n := map[string]int{}
		for _, k := range keys {
			n[k.Algorithm+" "+string(k.State)]++
		}
		return n
	}
	var made []operations.KeyView
	for range 2 {
		if sh.read(t, &made, "key", "rotate", "--now", "--json"); len(made) != 3 {
			t.Errorf("got %d new keys, want one of each algorithm", len(made))
		}
	}
	want := map[string]int{"ES256 signing": 1, "ES256 published": 1, "RS256 signing": 1, "RS256 published": 1,
		"EdDSA signing": 1, "EdDSA published": 2}
	if diff := cmp.Diff(want, states()); diff != "" {
		t.Error(diff)
	}
	// One that is not used is not made.
	sh.do(t, "tenant", "add", "acme")
	if sh.read(t, &made, "key", "rotate", "--tenant", "acme", "--json"); len(made) != 2 {
		t.Errorf("a new tenant: got %v, want keys for ID tokens and access tokens", made)
	}
	if sh.read(t, &made, "key", "rotate", "--alg", "RS256", "--json"); len(made) != 1 || made[0].Algorithm != "RS256" ||
		made[0].State != "next" {
		t.Errorf("one algorithm: got %v", made)
	}
}
