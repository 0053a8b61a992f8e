package tenants

import (
	"bytes"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestAStoredSecretIsKeptWhileItIsTheSame(t *testing.T) {
	t.Parallel()
	masters, err := secret.Parse(strings.Repeat("master-secret", 3))
	if err != nil {
		t.Fatal(err)
	}
	box := masters.Box("acme", secret.UpstreamSecret)
	d := Declared{ID: "acme", Secrets: map[int]string{0: "secret of corp"}}
	d.Settings.Upstreams = []storage.Upstream{{ID: "corp"}, {ID: "public"}}
	first := d.over(storage.Tenant{}, box)
	if got, err := box.Open(first.Settings.Upstreams[0].ClientSecret); err != nil || string(got) != "secret of corp" ||
		first.Settings.Upstreams[1].ClientSecret != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	again := d.over(first, box)
	if !bytes.Equal(again.Settings.Upstreams[0].ClientSecret, first.Settings.Upstreams[0].ClientSecret) ||
		len(compare(&first, &again)) > 0 {
		t.Error("the same secret was sealed anew")
	}
	d.Secrets[0] = "another"
	other := d.over(first, box)
	changes := compare(&first, &other)
	if len(changes) != 1 || changes[0].Name != "upstreams.corp.client_secret" || changes[0].To != "(another)" {
		t.Errorf("another secret: got %v", changes)
	}
	if d.Settings.Upstreams[0].ClientSecret != nil {
		t.Error("what was declared was changed")
	}
}

func TestIssuer(t *testing.T) {
	t.Parallel()
	for want, tenant := range map[string]storage.Tenant{
		"https://id.example.com":        {ID: storage.DefaultTenant},
		"https://id.example.com/t/acme": {ID: "acme"},
		"https://login.acme.example":    {ID: "acme", Host: "login.acme.example"},
	} {
		if got := Issuer("https://id.example.com", tenant); got != want {
			t.Errorf("%s: got %s, want %s", tenant.ID, got, want)
		}
	}
}
