package ui

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		got, want string
		is        comparison
	}{
		{"abc", "abc", comparison{Before: "abc", Same: true}},
		{"aXc", "aYc", comparison{Before: "a", Got: "X", Want: "Y", After: "c"}},
		{"https://a/cb/", "https://a/cb", comparison{Before: "https://a/cb", Got: "/"}},
		{"aa", "aaa", comparison{Before: "aa", Want: "a"}},
		{"", "a", comparison{Want: "a"}},
		{"é", "è", comparison{Got: "é", Want: "è"}}, // not half a letter
	} {
		if diff := cmp.Diff(test.is, compare(test.got, test.want)); diff != "" {
			t.Errorf("%q, %q:\n%s", test.got, test.want, diff)
		}
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"https://a/é": "https://a/é", "a\r\nb": `a\r\nb`, "a\x00": `a\x00`, "a\u200bb": `a\u200bb`, "a\u202eb": `a\u202eb`,
		"a\xffb": `a\ufffdb`, "a b": "a b",
	} {
		if got := visible(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := visible(strings.Repeat("x", 1<<20)); len(got) > 2100 {
		t.Errorf("got %d bytes", len(got))
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("https://a/cb", "https://a/cb/")
	f.Fuzz(func(t *testing.T, got, want string) {
		got, want = visible(got), visible(want)
		c := compare(got, want)
		if c.Before+c.Got+c.After != got || c.Before+c.Want+c.After != want {
			t.Errorf("%q and %q became %+v", got, want, c)
		}
	})
}
