package clients

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// TestConditions: a condition compares the whole value, and a star stays within a name. Elsewhere, the beginning of a
// name let other owners in.
func TestConditions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, is string
		ok       bool
	}{
		{"repo:acme/app", "repo:acme/app", true},
		{"repo:acme/app", "repo:acme/app2", false},
		{"repo:acme/app", "Repo:acme/app", false},
		{"repo:acme/*", "repo:acme/app", true},
		{"repo:acme/*", "repo:acme/app:ref:refs/heads/main", false},
		{"repo:acme/*", "repo:acme-evil/app", false},
		{"repo:acme/*:ref:refs/heads/main", "repo:acme/x:ref:refs/heads/main", true},
		{"repo:acme/*:ref:refs/heads/main", "repo:acme/x:ref:refs/heads/y:ref:refs/heads/main", false},
		{"refs/heads/*", "refs/heads/a/b", false},
		{"refs/heads/**", "refs/heads/a/b", true},
		{"refs/**/main", "refs/heads/a/main", true},
		{"refs/**/main", "refs/heads/a/maintain", false},
		{"a*", "a", true},
		{"a", "", false},
	} {
		claims, _ := json.Marshal(map[string]string{"sub": c.is})
		w := &storage.Workload{Claims: map[string]string{"sub": c.want}}
		if got := MeetsConditions(w, claims); got != c.ok {
			t.Errorf("%q for %q: got %v", c.is, c.want, got)
		}
	}
	deep := `{"kubernetes.io": {"a/b": {"uid": "7"}, "list": ["7"]}, "n": 7, "null": null}`
	for name, ok := range map[string]bool{"/kubernetes.io/a~1b/uid": true, "/kubernetes.io/a/b/uid": false,
		"/kubernetes.io/list/0": false, "n": false, "null": false, "kubernetes.io": false, "missing": false, "/": false} {
		w := &storage.Workload{Claims: map[string]string{name: "7"}}
		if got := MeetsConditions(w, []byte(deep)); got != ok {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if MeetsConditions(&storage.Workload{}, []byte(`{}`)) {
		t.Error("an entry without conditions is met")
	}
	slow := &storage.Workload{Claims: map[string]string{"sub": "a" + strings.Repeat("**a", 80) + "b"}}
	claims, _ := json.Marshal(map[string]string{"sub": strings.Repeat("a", maxClaim)})
	start := time.Now()
	if MeetsConditions(slow, claims) || time.Since(start) > 10*time.Second {
		t.Errorf("a pattern of many stars took %s", time.Since(start))
	}
}

// TestWorkloadFaults names what is wrong with an entry.
func TestWorkloadFaults(t *testing.T) {
	t.Parallel()
	good := func() storage.Workload {
		return storage.Workload{Issuer: "https://ci.example", JWKSURI: "https://ci.example/keys",
			Claims: map[string]string{"sub": "repo:acme/*"}}
	}
	for field, change := range map[string]func(c *storage.Client, w *storage.Workload){
		"workloads.0.issuer":   func(_ *storage.Client, w *storage.Workload) { w.Issuer = "" },
		"workloads.0.jwks_uri": func(_ *storage.Client, w *storage.Workload) { w.JWKSURI = "" },
		"workloads.0.jwks": func(_ *storage.Client, w *storage.Workload) {
			w.JWKSURI, w.JWKS = "", json.RawMessage(`{}`)
		},
		"workloads.0.claims":   func(_ *storage.Client, w *storage.Workload) { w.Claims = nil },
		"workloads.0.audience": func(_ *storage.Client, w *storage.Workload) { w.Audience = []string{"a b"} },
		"workloads":            func(c *storage.Client, _ *storage.Workload) { c.TokenEndpointAuthMethod = "none" },
	} {
		w := good()
		c := storage.Client{ClientID: "ci", GrantTypes: []string{"client_credentials"},
			TokenEndpointAuthMethod: "private_key_jwt"}
		change(&c, &w)
		c.Workloads = []storage.Workload{w}
		if !slices.ContainsFunc(Validate(&c), func(f Fault) bool { return f.Field == field }) {
			t.Errorf("%s: got %v", field, Validate(&c))
		}
	}
	fapi := storage.Client{ClientID: "ci", GrantTypes: []string{"client_credentials"}, Profile: storage.ProfileFAPI2,
		TokenEndpointAuthMethod: "private_key_jwt", Workloads: []storage.Workload{good()}}
	if !slices.ContainsFunc(Validate(&fapi), func(f Fault) bool { return f.Field == "workloads" }) {
		t.Error("a client that is held to FAPI 2.0 has workloads")
	}
	for _, value := range []string{"", "*", "**", "*repo", "a***"} {
		c := storage.Client{ClientID: "ci", GrantTypes: []string{"client_credentials"},
			TokenEndpointAuthMethod: "private_key_jwt", Workloads: []storage.Workload{good()}}
		if faults := Validate(&c); len(faults) > 0 {
			t.Fatal(faults)
		}
		c.Workloads[0].Claims["sub"] = value
		if len(Validate(&c)) == 0 {
			t.Errorf("the condition %q is accepted", value)
		}
	}
	for _, issuer := range []string{"spiffe://", "spiffe://a/b", "spiffe://a:1", "spiffe://*"} {
		w := good()
		w.Issuer = issuer
		c := storage.Client{ClientID: "ci", GrantTypes: []string{"client_credentials"},
			TokenEndpointAuthMethod: "private_key_jwt", Workloads: []storage.Workload{w}}
		if len(Validate(&c)) == 0 {
			t.Errorf("the trust domain %q is accepted", issuer)
		}
	}
}
