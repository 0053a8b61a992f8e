package exports

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/people/importing"
)

// FuzzExports reads any file as an export of any product, and as a further file. It ends, has no more rows than
// bytes, and no error quotes a hash or a secret.
func FuzzExports(f *testing.F) {
	for _, s := range samples {
		for _, name := range append(s.further, s.file) {
			text, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(s.product, text)
		}
	}
	for _, text := range []string{"", "[", "{", `{"users":[{}]}`, `[null]`, "\"\n", "a;b\n1;2\n",
		`{"users":[{"credentials":[{"type":"password","secretData":"hashcanary"}]}]}`,
		`{"localId":"1","passwordHash":["hashcanary"]}`, `{"password":{"a":"hashcanary"}}`} {
		f.Add("keycloak", []byte(text))
		f.Add("laravel", []byte(text))
	}
	rules := importing.Rules{Tenant: "default", Roles: true, Upstreams: tenant, Now: time.Now()}
	f.Fuzz(func(t *testing.T, product string, text []byte) {
		e, err := Open(Options{Product: product, Upstreams: tenant}, []File{{"more", bytes.NewReader(text)}})
		if err != nil {
			secretive(t, err)
			if e, err = Open(Options{Product: product, Upstreams: tenant}, nil); err != nil {
				return // of no product
			}
		}
		rows := 0
		for r := range e.Read(bytes.NewReader(text)) {
			if rows++; rows > len(text)+2 {
				t.Fatal("more rows than bytes")
			}
			secretive(t, r.Err)
			if r.Err == nil && r.Skip == nil {
				_, err := r.Row.Check(rules)
				if err != nil && !strings.Contains(r.Row.Email+r.Row.Username+r.Row.Phone, "hashcanary") {
					secretive(t, err)
				}
			}
		}
	})
}

func secretive(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "hashcanary") {
		t.Errorf("%v", err)
	}
}

// FuzzSealing opens any value as the secret of an authenticator app that Keratin AuthN has sealed: what opens is not
// longer than what was sealed, and no error quotes it.
func FuzzSealing(f *testing.F) {
	s := &Sealing{Base: "secret", Salt: "another"}
	for _, dump := range []string{"", "\x04\x08I\"", "\x04\x08I\"\x08abc\x06:\x06ET", "\x04\x08I\"\x01\xffabc",
		"\x04\x08I\"\x05", "I\"\x08abc",
		"\x04\x08I\"\x7fabc", "\x04\x08I\"\x04abcd"} {
		f.Add("x--y--z", dump)
	}
	f.Add("AAAA--AAAAAAAAAAAAAAAA--AAAAAAAAAAAAAAAAAAAAAA==", "")
	f.Fuzz(func(t *testing.T, value, dump string) {
		if text, err := s.open(value); err == nil || text != "" {
			t.Errorf("%q opens", value)
		}
		text, err := marshalled([]byte(dump))
		if err != nil && (text != "" || !errors.Is(err, errSealed)) || len(text) > len(dump) {
			t.Errorf("%q: got %q, %v", dump, text, err)
		}
	})
}
