package terms

import (
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestOf(t *testing.T) {
	for _, c := range []struct {
		profile storage.Profile
		want    []string
	}{
		{storage.Profile{}, nil},
		{storage.Profile{Name: " – "}, nil},
		{storage.Profile{Name: "Ada King Lovelace"}, []string{"ada king lovelace", "king lovelace", "lovelace"}},
		{storage.Profile{Name: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace"},
			[]string{"ada lovelace", "lovelace ada"}},
		{storage.Profile{Name: "王小明", GivenName: "小明", FamilyName: "王"}, []string{"小明 王", "王 小明", "王小明"}},
		// Ł is a letter of its own, not one with an accent.
		{storage.Profile{GivenName: "Seán", FamilyName: "O’Brien-Łuczak"},
			[]string{"obrien łuczak sean", "sean obrien łuczak", "łuczak sean"}},
		{storage.Profile{Nickname: "ẞ"}, []string{"ss"}},
	} {
		if got := Of(c.profile); !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %q, want %q", c.profile, got, c.want)
		}
	}
}

func TestANameIsFoundByItsBeginnings(t *testing.T) {
	for _, c := range []struct{ name, typed string }{
		{"José García Márquez", "jose"}, {"José García Márquez", "MARQ"}, {"Jose Garcia", "garcía"},
		{"Müller, Jürgen", "muller"}, {"O'Brien", "obr"}, {"OBrien", "o'br"}, {"Anne-Marie", "anne m"},
		{"Anne-Marie", "marie"},
		{"Ὀδυσσεύς", "οδυσσευσ"}, {"ДЖОН Смит", "смит"}, {"İstanbul", "istanbul"}, {"Straße", "STRASSE"}, {"ﬁona", "fiona"},
		{"ガガーリン", "ｶﾞｶﾞ"}, {"नरेन्द्र मोदी", "मोदी"}, {"محمد علي", "علي"}, {"ᏣᎳᎩ", "ꮳꮃ"},
	} {
		if all := Of(storage.Profile{Name: c.name}); !finds(all, c.typed) {
			t.Errorf("%s isn't found by %s: it has %q", c.name, c.typed, all)
		}
	}
	for _, c := range []struct{ name, typed string }{{"Ada Lovelace", "velace"}, {"Ada Lovelace", "ada x"}} {
		if finds(Of(storage.Profile{Name: c.name}), c.typed) {
			t.Errorf("%s is found by %s", c.name, c.typed)
		}
	}
}

// finds reports whether one of the terms begins with what was typed.
func finds(all []string, typed string) bool {
	return slices.ContainsFunc(all, func(term string) bool { return strings.HasPrefix(term, Beginning(typed)) })
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{
		"", "Ada", "É\u0301", "\u1fb3\u0345", "ß \u0149", "\xff", strings.Repeat("a b", 99), "\u0130\u0307",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		folded := Fold(s)
		if again := Fold(folded); again != folded {
			t.Errorf("%q: folding again makes %q of %q", s, again, folded)
		}
		if cut := Beginning(s); len([]rune(cut)) > mostRunes || cut != strings.TrimSpace(cut) {
			t.Errorf("%q: got %q, want at most %d characters without spaces around", s, cut, mostRunes)
		}
		all := Of(storage.Profile{Name: s, GivenName: s})
		if !slices.IsSorted(all) || len(all) > 5*mostWords {
			t.Errorf("%q: got %q, want few terms in order", s, all)
		}
		if folded != "" && !finds(all, s) {
			t.Errorf("%q: none of %q begins with it", s, all)
		}
	})
}
