package main

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/operations"
)

const clientsOfEdDSA = `clients:
  - client_id: rare
    token_endpoint_auth_method: none
    redirect_uris: [https://rare.example/callback]
    id_token_signed_response_alg: EdDSA
  - client_id: usual
    token_endpoint_auth_method: none
    redirect_uris: [https://usual.example/callback]
`

// keyAlgorithms are those of the tenant's keys.
func (s *shell) keyAlgorithms(t *testing.T, tenant string) []string {
	t.Helper()
	var keys []operations.KeyView
	s.read(t, &keys, "key", "list", "--json", "--tenant", tenant)
	var algs []string
	for _, k := range keys {
		algs = append(algs, k.Algorithm)
	}
	return algs
}

// A clients file that declares a rare algorithm has a key of it published, before a client of it
// can have fetched the JWK set: by the command, in every tenant, beside a server, and by a server
// that starts with the file.
func TestKeysOfTheAlgorithmsThatAClientsFileDeclares(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.file(t, "clients.yaml", clientsOfEdDSA)
	sh.do(t, "tenant", "add", "acme")
	for _, tenant := range []string{"default", "acme"} {
		for range 2 {
			sh.do(t, "client", "apply", "clients.yaml", "--tenant", tenant)
			if got := sh.keyAlgorithms(t, tenant); !slices.Equal(got, []string{"EdDSA"}) {
				t.Errorf("%s: got keys of %v, want EdDSA once: the others come with the first look", tenant, got)
			}
		}
	}

	beside := newDatabase(t)
	beside.file(t, "clients.yaml", clientsOfEdDSA)
	beside.file(t, "clients-of-start.yaml", clientsBefore)
	beside.env = append(beside.env, "VOUCHSAFE_CLIENTS=clients-of-start.yaml")
	server := beside.serve(t)
	algorithms := func() (algs []string) {
		var set jose.JSONWebKeySet
		if _, body := server.get(t, "/jwks"); json.Unmarshal([]byte(body), &set) != nil {
			t.Fatalf("no JWK set: %s", body)
		}
		for _, key := range set.Keys {
			algs = append(algs, key.Algorithm)
		}
		return algs
	}
	if got := algorithms(); len(got) != 2 {
		t.Errorf("got keys of %v, want none of what no client declares", got)
	}
	beside.do(t, "client", "apply", "clients.yaml", "--yes")
	if got := beside.keyAlgorithms(t, "default"); !slices.Contains(got, "EdDSA") {
		t.Errorf("by a command beside a server: got keys of %v", got)
	}
	// A server goes by what it read for a second.
	eventually(t, "the key is published", func() bool { return slices.Contains(algorithms(), "EdDSA") })

	starts := newShell(t, "VOUCHSAFE_CLIENTS=clients.yaml")
	starts.file(t, "clients.yaml", clientsOfEdDSA)
	starts.serve(t)
	if got := starts.keyAlgorithms(t, "default"); !slices.Equal(got, []string{"EdDSA"}) {
		t.Errorf("at the start: got keys of %v, want EdDSA", got)
	}
}
