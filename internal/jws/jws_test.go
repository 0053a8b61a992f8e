package jws

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestATokenHasOneSpelling(t *testing.T) {
	for n := range 4 { // every remainder of base64
		part := base64.RawURLEncoding.EncodeToString([]byte("abcdef"[:3+n]))
		token := part + "." + part + "." + part
		if got, err := Signed(token); err != nil || got != part+"."+part {
			t.Fatalf("%s: got %q, %v", token, got, err)
		}
		for i := range token {
			for _, c := range []byte("AQgw_-x\n\r=+/ ") {
				other := token[:i] + string(c) + token[i+1:]
				signed, err := Signed(other)
				if err != nil || other == token {
					continue
				}
				for j, p := range strings.Split(other, ".") { // else it says something else
					a, _ := base64.RawURLEncoding.DecodeString(p)
					b, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[j])
					if string(a) == string(b) && p != strings.Split(token, ".")[j] {
						t.Errorf("%q is read as %q: %q", other, token, signed)
					}
				}
			}
		}
		for _, other := range []string{token + "\n", "\n" + token, token + "=", token + ".", "." + token,
			token[:len(token)-1] + "\n" + token[len(token)-1:], strings.Replace(token, ".", "\n.", 1)} {
			if got, err := Signed(other); err == nil {
				t.Errorf("%q is taken: %q", other, got)
			}
		}
	}
}

func FuzzSigned(f *testing.F) {
	f.Add("eyJhIjoxfQ.e30.AAAA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		signed, err := Signed(token)
		if err != nil {
			return
		}
		var again []string
		for part := range strings.SplitSeq(token, ".") {
			raw, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil {
				t.Fatalf("%q: %v", token, err)
			}
			again = append(again, base64.RawURLEncoding.EncodeToString(raw))
		}
		if strings.Join(again, ".") != token || signed != strings.Join(again[:2], ".") {
			t.Errorf("%q is another spelling of %q", token, strings.Join(again, "."))
		}
	})
}
