package declare

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/tenants"
)

// FuzzTenantsFile: a file is refused with the place of each fault, or read the same twice.
// No secret in it is among the faults.
func FuzzTenantsFile(f *testing.F) {
	for _, text := range []string{
		"tenants:\n  acme:\n    name: Acme\n    host: id.acme.example\n    branding: {accent: '#1f5f5b', css: " +
			"'.card{color:red}'}\n    second_factor: {remember_device: 720h}\n",
		"tenants:\n  acme:\n    upstreams:\n    - {id: g, preset: google, client_id: x, client_secret: secretcanary}\n",
		"tenants: {a: {upstreams: [{id: '../x', client_secret: {secretcanary: 1}}]}}", "tenants: &a {x: *a}",
		"tenants:\n- a\n", "tenants: {default: {disabled: true}}",
		"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\ntenants: {x: {sign_up: {email_domains: *c}}}",
		"tenants: {a: {branding: {css: '@import url(//evil.example)'}}}", "tenants: {a: }\n---\ntenants: {b: }",
		"tenants: {a: {name: !!binary AA==}}", "tenants: {a: {second_factor: {remember_device: 9999999999h}}}", "\xff\xfe",
		"tenants: {a: {host: 'a b'}}",
		"tenants: {a: {webhooks: [{id: x, url: https://x.example/, kinds: [a.*], secret: whsec_secretcanary}]}}",
	} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Contains(text, []byte("client_secret_file")) {
			return // any file of the machine's could be named
		}
		path := filepath.Join(dir, "tenants.yaml")
		all, fs := Tenants(path, "https://id.example.com", text)
		if err := fs.Err(); err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Errorf("%v does not say where", err)
			}
			return
		}
		twice, fs := Tenants(path, "https://id.example.com", text)
		if fs.Err() != nil || len(twice) != len(all) {
			t.Fatalf("read again: %v", fs.Err())
		}
		for i, d := range all {
			if !tenants.ValidID(d.ID) || d.ID != twice[i].ID || !cmp.Equal(d.Settings, twice[i].Settings) {
				t.Errorf("%q is read as %q", d.ID, twice[i].ID)
			}
		}
	})
}
