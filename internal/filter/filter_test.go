package filter

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// record is something to filter.
type record struct {
	name, id string
	tags     []string
	on       bool
	size     float64
	made     time.Time
}

var day = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

var table = Table[record]{
	TextColumn("id", Exact, func(r record) string { return r.id }),
	TextColumn("profile.name", nil, func(r record) string { return r.name }),
	TextsColumn("tags", func(r record) []string { return r.tags }),
	BoolColumn("on", func(r record) bool { return r.on }),
	{Field{Name: "size", Kind: Number}, func(r record) []any { return []any{r.size} }},
	TimeColumn("made", func(r record) time.Time { return r.made }),
}

var records = []record{
	{name: "Ann", id: "a", tags: []string{"x", "y"}, on: true, size: 1, made: day},
	{name: "bob", id: "B", size: -2.5},
	{name: "ÇA Ann", id: "c", tags: []string{"y"}, made: day.Add(time.Hour)},
	{},
}

func TestFiltersFind(t *testing.T) {
	for text, want := range map[string]string{
		`profile.name eq "ann"`:                      "a",
		`PROFILE.Name EQ "ANN"`:                      "a",
		`id PR And NOT (on EQ TRUE) OR id Eq "a"`:    "aBc",
		`profile.name ne "ann"`:                      "Bc-", // also of what has none
		`profile.name co "ann"`:                      "ac",
		`profile.name sw "ça"`:                       "c",
		`profile.name ew "N"`:                        "ac",
		`profile.name gt "ann"`:                      "Bc",
		`profile.name le "bob"`:                      "aB",
		`profile.name pr`:                            "aBc",
		`not (profile.name pr)`:                      "-",
		`profile.name eq null`:                       "-",
		`profile.name ne null`:                       "aBc",
		`profile.name eq ""`:                         "-",
		`profile.name ne ""`:                         "aBc",
		`profile.name eq "a%"`:                       "",
		`profile.name eq "\u0061nn"`:                 "a",
		`id eq "b"`:                                  "",
		`id eq "B"`:                                  "B",
		`tags eq "y"`:                                "ac",
		`tags ne "y"`:                                "B-",
		`tags pr`:                                    "ac",
		`on eq true`:                                 "a",
		`on ne true`:                                 "Bc-",
		`on eq False`:                                "Bc-",
		`size gt -1e0`:                               "ac-",
		`size eq -2.5`:                               "B",
		`size eq null`:                               "",
		`made eq "2026-01-02T01:00:00+01:00"`:        "a",
		`made gt "2026-01-02T00:00:00Z"`:             "c",
		`made lt "2027-01-01T00:00:00Z"`:             "ac",
		`made pr and not (on eq true)`:               "c",
		`id eq "a" or id eq "B" and on eq true`:      "a", // and binds more
		`(id eq "a" or id eq "B") and on eq false`:   "B",
		`  ( ( id eq "a" ) )  `:                      "a",
		`not(id eq "a")and(not(id eq "B"))`:          "c-",
		`id eq "a\" or id pr or id eq \"" and on pr`: "", // a string has no way out
	} {
		f, err := table.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := ""
		for _, r := range records {
			if table.Match(f, r) {
				got += r.id + map[bool]string{true: "-"}[r.id == ""]
			}
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	if !table.Match(Filter{}, record{}) {
		t.Error("no filter, and not every record matches")
	}
}

func TestFaultsSayWhere(t *testing.T) {
	for text, want := range map[string]struct {
		at  int
		has string
	}{
		"":                        {1, "the filter ends where a name should stand"},
		`nmae eq "x"`:             {1, `"nmae" can't be asked for; what can: id, profile.name, tags`},
		`id`:                      {3, "where an operator of id: eq, ne, co"},
		`id is "x"`:               {4, `"is" stands where an operator of id`},
		`on gt true`:              {4, "an operator of on: eq, ne, pr"},
		`made co "2026"`:          {6, "an operator of made"},
		`id eq`:                   {6, `a string in " "`},
		`id eq x`:                 {7, `a string in " "`},
		`id eq 'x'`:               {7, "means nothing here"},
		`id eq "x`:                {7, "has no end"},
		`id eq "\q"`:              {7, "is no JSON string"},
		`id eq "\u0000"`:          {7, "is no JSON string"},
		`on eq "true"`:            {7, "true or false"},
		`size eq "1"`:             {9, "a number"},
		`size eq 0x1`:             {9, "a number"},
		`size eq NaN`:             {9, "a number"},
		`size gt null`:            {9, "a number"},
		`made gt "yesterday"`:     {9, "2006-01-02T15:04:05Z"},
		`id eq "ä" id`:            {11, `"and", "or" or the end`},
		`(id pr`:                  {7, `")"`},
		`id pr)`:                  {6, "the end"},
		`not id pr`:               {5, `"(" behind "not"`},
		`not "("`:                 {5, "a name"},
		`id[type eq "work"]`:      {3, "means nothing here"},
		`id eq "a"; DROP TABLE x`: {10, "means nothing here"},
		`id pr and`:               {10, "a name"},
		`id pr or or`:             {10, `"or" can't be asked for`},
		strings.Repeat("(", 99):   {21, "20 parentheses"},
		strings.Repeat("a", 2001): {1, "2000 bytes"},
		"id pr" + strings.Repeat(" or id pr", 50): {451, "50 conditions"},
	} {
		_, err := table.Parse(text)
		var fault *Fault
		if !errors.As(err, &fault) || fault.At != want.at || !strings.Contains(fault.Message, want.has) {
			t.Errorf("%.60s: got %v, want %q at %d", text, err, want.has, want.at)
		}
	}
}

func TestPlanLeavesNothingOut(t *testing.T) {
	spanOf := func(c Condition) (string, int) {
		return c.Text, map[string]int{"id eq": 1, "id sw": 2, "profile.name eq": 3}[c.Field+" "+c.Op]
	}
	for text, want := range map[string][]string{
		`id eq "a"`:                                    {"a"},
		`id sw "a" and id eq "b"`:                      {"b"},
		`profile.name eq "a" and id sw "b"`:            {"b"},
		`on eq true and id eq "a"`:                     {"a"},
		`id eq "a" or id eq "b"`:                       {"a", "b"},
		`id eq "a" or on eq true`:                      nil,
		`on eq true and (id eq "a" or id sw "b")`:      {"a", "b"},
		`not (id eq "a")`:                              nil,
		`not (id eq "a") and id sw "b"`:                {"b"},
		`id ne "a"`:                                    nil,
		`id eq "a" and (on eq true or id eq "b")`:      {"a"},
		`(id eq "a" or id eq "b") and id sw "c"`:       {"a", "b"},
		`profile.name eq "a" and (id eq "b" or on pr)`: {"a"},
	} {
		f, err := table.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := Plan(f, spanOf)
		if ok != (want != nil) || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", text, got, ok, want)
		}
	}
	if _, ok := Plan(Filter{}, spanOf); ok {
		t.Error("no filter has a plan")
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`id eq "a"`, `not (on eq true) and (size ge 1e3 or made lt "2026-01-02T00:00:00Z")`, `((tags co "\u00e4"`, `id eq "\`,
		`profile.name pr or not(`, "\xff", `size eq 1e999`, `id eq null`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read, err := table.Parse(text)
		var fault *Fault
		if err != nil {
			if !errors.As(err, &fault) || fault.At < 1 || fault.At > len(text)+1 || fault.Message == "" {
				t.Fatalf("%q: got %v, want a fault in the text", text, err)
			}
			return
		}
		must := read.Must()
		spans, planned := Plan(read, func(c Condition) (Condition, int) { return c, 1 })
		negated, err := table.Parse("not (" + text + ")")
		for _, r := range records {
			matches := table.Match(read, r)
			if err == nil && table.Match(negated, r) == matches {
				t.Errorf("%q: %+v matches it and its negation, or neither", text, r)
			}
			if !matches {
				continue
			}
			for _, c := range must {
				if !table.Match(Filter{c}, r) {
					t.Errorf("%q: %+v matches, and not %+v", text, r, c)
				}
			}
			if planned && !slices.ContainsFunc(spans, func(c Condition) bool { return table.Match(Filter{c}, r) }) {
				t.Errorf("%q: %+v matches, and is in none of %+v", text, r, spans)
			}
		}
	})
}

// TestARecordIsReadOnly: matching folds each field of a record once, and leaves the values of the record as they are.
func TestARecordIsReadOnly(t *testing.T) {
	folds, values := 0, []any{"X", "", "Y"}
	table := Table[record]{{
		Field: Field{Name: "tags", Fold: func(s string) string { folds++; return strings.ToLower(s) }},
		Of:    func(record) []any { return values },
	}}
	f, err := table.Parse(strings.Repeat(`tags eq "z" or `, 40) + `not (tags pr) or tags ne "x" or tags sw "y"`)
	if err != nil {
		t.Fatal(err)
	}
	if folds = 0; !table.Match(f, record{}) || folds != 2 {
		t.Errorf("got %d calls of Fold, want one for each text, and a match", folds)
	}
	if !slices.Equal(values, []any{"X", "", "Y"}) {
		t.Errorf("the record has become %q", values)
	}
}
