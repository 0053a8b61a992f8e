package strength

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// longest is how long passwords are at most, in bytes: password.MaxLength.
const longest = 1024

func TestCommonPasswords(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"password", "12345678", "123456789", "baseball", "football", "qwertyuiop",
		"1234567890", "superman", "1qaz2wsx",
		"trustno1", "jennifer", "sunshine", "iloveyou", "starwars", "computer", "michelle", "princess", "11111111",
		"corvette", "password1", "spongebob", "12081962", "18111957"} {
		if !Common(p) || !Common(strings.ToUpper(p)) {
			t.Errorf("%s: not found", p)
		}
	}
}

// TestCommonTakesFewOthers measures the filter's false positives.
func TestCommonTakesFewOthers(t *testing.T) {
	t.Parallel()
	const tries = 1 << 18
	found := 0
	for i := range tries {
		if Common("no such password " + string(rune('a'+i%26)) + strings.Repeat("x", i%7) + time.Duration(i).String()) {
			found++
		}
	}
	t.Logf("%d of %d (1 in %d)", found, tries, tries/max(1, found))
	if found < tries>>16 || found > tries>>12 { // chance has its part
		t.Errorf("got %d of %d, want about %d", found, tries, tries>>commonOdds)
	}
}

// TestScore has what zxcvbn 4.4.2 says beside what we say, which differs where it knows
// rarer words and keyboards, and takes other years for near ones.
func TestScore(t *testing.T) {
	t.Parallel()
	same, all := 0, 0
	for _, test := range []struct {
		password string
		zxcvbn   int
		score    int
	}{
		{"password", 0, 0},
		{"P@ssw0rd", 0, 0},
		{"zxcvbn", 0, 0},
		{"qwER43@!", 2, 2},
		{"Tr0ub4dour&3", 2, 4},
		{"correcthorsebatterystaple", 4, 4},
		{"correct horse battery staple", 4, 4},
		{"coRrecth0rseba++ery9.23.2007staple$", 4, 4},
		{"D0g..................", 1, 1},
		{"abcdefghijk987654321", 1, 1},
		{"neverforget13/3/1997", 3, 3},
		{"1qaz2wsx3edc", 0, 0},
		{"temppass22", 1, 1},
		{"briansmith", 1, 1},
		{"briansmith4mayor", 4, 4},
		{"password1", 0, 0},
		{"viking", 0, 0},
		{"thx1138", 0, 0},
		{"ScoRpi0ns", 1, 1},
		{"do you know", 3, 3},
		{"ryanhunter2000", 3, 3},
		{"rianhunter2000", 3, 3},
		{"asdfghju7654rewq", 3, 3},
		{"AOEUIDHG&*()LS_", 3, 4},
		{"12345678", 0, 0},
		{"defghi6789", 1, 1},
		{"rosebud", 0, 0},
		{"Rosebud", 0, 0},
		{"ROSEBUD", 0, 0},
		{"rosebuD", 0, 0},
		{"ros3bud99", 1, 1},
		{"r0s3bud99", 1, 1},
		{"R0$38uD99", 2, 2},
		{"verlineVANDERMARK", 4, 4},
		{"eheuczkqyq", 3, 3},
		{"rWibMFACxAUGZmxhVncy", 4, 4},
		{"Ba9ZyWABu99[BK#6MBgbH88Tofv)vs$w", 4, 4},
		{"aaaaaaaaaaaa", 0, 0},
		{"abcabcabcabc", 0, 0},
		{"summer2024!", 2, 2},
		{"Winter2025", 2, 1},
		{"liverpoolfc1", 1, 1},
		{"ilovemydog", 3, 3},
		{"letmein123456", 1, 1},
		{"monkeybusiness", 1, 1},
		{"jennifer1985", 1, 1},
		{"19850623", 1, 1},
		{"06/23/1985", 1, 1},
		{"qwertyuiop[]", 1, 1},
		{"mississippi", 1, 1},
		{"another password", 3, 3},
		{"trustno1trustno1", 0, 0},
		{"kX9#mQ2v", 2, 2},
		{"kx9mq2vp", 2, 2},
		{"purple elephant", 3, 3},
		{"green tractor seven", 4, 4},
		{"drowssap", 0, 0},
		{"nimdanimda", 1, 1},
		{"zaq12wsx", 0, 0},
		{"Passw0rd2023", 1, 1},
		{"sunshine and rain", 4, 4},
		{"hunter2hunter2", 1, 1},
		{"einszweidrei", 4, 4},
		{"a b c d e f g h", 4, 4},
		{"mypassword123", 1, 1},
	} {
		if all++; test.score == test.zxcvbn {
			same++
		}
		if got := Score(test.password); got != test.score {
			t.Errorf("%q: got %d (10^%.1f), want %d", test.password, got, Guesses(test.password, nil), test.score)
		}
	}
	if 10*same < 9*all {
		t.Errorf("only %d of %d as zxcvbn has it", same, all)
	}
}

func TestScoreKnowsThePerson(t *testing.T) {
	t.Parallel()
	if with, without := Score("wozniakowska77", "wozniakowska@example.com"),
		Score("wozniakowska77"); with > 1 || without < 4 {
		t.Errorf("got %d, and %d for another user", with, without)
	}
}

// TestScoreTakesNoLongerForLongPasswords: zxcvbn's time grows with the cube of the
// length, and what is longer than maxJudged would take a thousand times as long.
func TestScoreTakesNoLongerForLongPasswords(t *testing.T) {
	t.Parallel()
	Score("loads the words")
	for _, unit := range []string{"a", "ab", "Pa5$w0rd", "qwerty1985", "\U0001F40E", "@4(3!1|0$57+%2", "1"} {
		least := func(password string) time.Duration {
			took := time.Hour
			for range 3 { // the fastest: other tests run beside this one
				start := time.Now()
				Score(password, "jo@example.com")
				took = min(took, time.Since(start))
			}
			return took
		}
		judged := least(strings.Repeat(unit, maxJudged/utf8.RuneCountInString(unit)))
		for tries := 5; ; tries-- {
			long := least(strings.Repeat(unit, longest/len(unit)))
			if long < 20*judged {
				break
			}
			if tries == 0 {
				t.Errorf("%q over and over: %v, and %v for as much as is judged", unit, long, judged)
				break
			}
		}
	}
}

func FuzzScore(f *testing.F) {
	f.Add("correct horse", "jo@example.com")
	f.Add("1985-06-05qwertyuiop[]AAAAA", "")
	f.Fuzz(func(t *testing.T, password, about string) {
		if len(password) > longest {
			return
		}
		if s := Score(password, about); s < 0 || s > 4 {
			t.Errorf("got %d", s)
		}
		Common(password)
	})
}

func BenchmarkScore(b *testing.B) {
	ranks()
	for name, p := range map[string]string{"words": "correct horse battery staple",
		"990": strings.Repeat("Pa5$w0rd7", 110)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Score(p, "jo@example.com")
			}
		})
	}
}

func BenchmarkCommon(b *testing.B) {
	for b.Loop() {
		Common("correct horse battery staple")
	}
}
