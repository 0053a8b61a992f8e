package secret

import (
	"bytes"
	"encoding/base64"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
	sealed := old.Box("default", AuthorizationCode).SealString([]byte("hello"))

	for name, box := range map[string]*Box{"same": old.Box("default", AuthorizationCode),
		"after a new secret was put first": both.Box("default", AuthorizationCode)} {
		got, err := box.OpenString(sealed)
		if err != nil || !bytes.Equal(got, []byte("hello")) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	for name, box := range map[string]*Box{
		"another tenant": old.Box("acme", AuthorizationCode), "another purpose": old.Box("default", AuthorizationRequest),
		"another secret": other.Box("default", AuthorizationCode), "shifted border": old.Box("default\x00code", 0),
	} {
		if got, err := box.OpenString(sealed); err == nil {
			t.Errorf("%s opened it: %q", name, got)
		}
	}
}

func TestSealedValuesHaveOneSpelling(t *testing.T) {
	box := parse(t, strings.Repeat("a", 32)).Box("default", AuthorizationCode)
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
	mac := parse(t, a).Box("default", RefreshToken).MAC([]byte("g.1"))
	both := parse(t, b+" , "+a).Box("default", RefreshToken)
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

func TestWhatWasStoredUnderAFormerNameOpens(t *testing.T) {
	m := parse(t, strings.Repeat("a", 32))
	codes, mailed := m.Box("default", AuthorizationCode), m.Box("default", MailedCode)
	if got, err := mailed.Open(codes.Seal([]byte("hello"))); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := codes.Open(mailed.Seal([]byte("hello"))); err == nil {
		t.Errorf("what is sealed now opens for the former name: %q", got)
	}
}

func TestNoncesAreNeverGivenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var one, other nonces
		seen, fields := map[[nonceSize]byte]bool{}, map[[8]byte]bool{}
		for _, pause := range []time.Duration{0, time.Microsecond, time.Second, drawEvery - time.Second, 0,
			drawEvery, time.Nanosecond} {
			time.Sleep(pause)
			for range 1000 {
				for _, n := range []*nonces{&one, &other} {
					nonce := n.next()
					if seen[nonce] {
						t.Fatalf("after %s: %x twice", pause, nonce)
					}
					seen[nonce], fields[n.field] = true, true
				}
			}
		}
		if len(fields) != 6 {
			t.Errorf("got %d fields, want 2 for each hour begun", len(fields))
		}
		one.last = math.MaxUint32
		before := one.field
		if first, second := one.next(), one.next(); first == second || one.field == before {
			t.Error("the number begins anew with the same field")
		}
	})
}

func FuzzOpenString(f *testing.F) {
	m, err := Parse(strings.Repeat("a", 32))
	if err != nil {
		f.Fatal(err)
	}
	box := m.Box("default", AuthorizationCode)
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
