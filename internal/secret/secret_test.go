package secret

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func parse(t *testing.T, list string) *Masters {
	t.Helper()
	m, err := Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSealedValuesOpenOnlyWhereTheyBelong(t *testing.T) {
	a, b := strings.Repeat("a", 32), strings.Repeat("b", 32)
	old, both, other := parse(t, a), parse(t, b+","+a), parse(t, b)
	sealed := old.Box("default", "code").SealString([]byte("hello"))

	for name, box := range map[string]*Box{"same": old.Box("default", "code"), "after a new secret was put first": both.Box("default", "code")} {
		got, err := box.OpenString(sealed)
		if err != nil || !bytes.Equal(got, []byte("hello")) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	for name, box := range map[string]*Box{
		"another tenant": old.Box("acme", "code"), "another purpose": old.Box("default", "letter"),
		"another secret": other.Box("default", "code"), "shifted border": old.Box("default\x00code", ""),
	} {
		if got, err := box.OpenString(sealed); err == nil {
			t.Errorf("%s opened it: %q", name, got)
		}
	}
}

func TestSealedValuesHaveOneSpelling(t *testing.T) {
	box := parse(t, strings.Repeat("a", 32)).Box("default", "code")
	for _, plain := range []string{"a", "ab", "abc"} { // every remainder of base64
		sealed := box.SealString([]byte(plain))
		for i := range sealed {
			for _, c := range []byte("AQgw_-x\n=") {
				other := sealed[:i] + string(c) + sealed[i+1:]
				if other == sealed {
					continue
				}
				if _, err := box.OpenString(other); err == nil {
					t.Fatalf("%q opens as well as %q", other, sealed)
				}
			}
		}
		for _, other := range []string{sealed + "=", sealed + "\n", "\n" + sealed, sealed + "A", sealed[1:], ""} {
			if _, err := box.OpenString(other); err == nil {
				t.Fatalf("%q opens as well as %q", other, sealed)
			}
		}
	}
}

func TestMACsSurviveANewMasterSecret(t *testing.T) {
	a, b := strings.Repeat("a", 32), strings.Repeat("b", 32)
	mac := parse(t, a).Box("default", "refresh").MAC([]byte("g.1"))
	both := parse(t, b+" , "+a).Box("default", "refresh")
	if !both.VerifyMAC([]byte("g.1"), mac) {
		t.Error("a MAC made before the change is refused")
	}
	if both.VerifyMAC([]byte("g.2"), mac) || both.VerifyMAC([]byte("g.1"), nil) {
		t.Error("a wrong MAC is believed")
	}
}

func TestShortMasterSecretsAreRefused(t *testing.T) {
	for _, list := range []string{"", "short", strings.Repeat("a", 32) + ",", strings.Repeat("a", 31)} {
		if _, err := Parse(list); err == nil {
			t.Errorf("%q was taken", list)
		}
	}
	if _, err := Parse(Token()); err != nil {
		t.Error(err)
	}
}

func FuzzOpenString(f *testing.F) {
	m, err := Parse(strings.Repeat("a", 32))
	if err != nil {
		f.Fatal(err)
	}
	box := m.Box("default", "code")
	f.Add(box.SealString([]byte("x")))
	f.Add("")
	// Workers are processes of their own: what one of them sealed opens at the others.
	f.Fuzz(func(t *testing.T, s string) {
		got, err := box.OpenString(s)
		if err != nil {
			return
		}
		raw, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil || string(got) != "x" || base64.RawURLEncoding.EncodeToString(raw) != s {
			t.Errorf("%q opened as %q", s, got)
		}
	})
}
