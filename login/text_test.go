package login

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestEveryTextIsUsedAndThere looks for the ids in templates and code.
func TestEveryTextIsUsedAndThere(t *testing.T) {
	used := map[string]bool{}
	var source strings.Builder
	for _, dir := range []string{".", "templates"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() || strings.HasSuffix(e.Name(), "_test.go") || e.Name() == "text.go" {
				continue
			}
			b, err := os.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			source.Write(b)
		}
	}
	for _, m := range regexp.MustCompile(`(?:\.T|must\() ?"([a-z_.]*[a-z_])"`).FindAllStringSubmatch(source.String(), -1) {
		used[m[1]] = true
		if _, ok := english[m[1]]; !ok {
			t.Errorf("there is no text %q", m[1])
		}
	}
	for id := range english {
		// These are put together from what is asked for or went wrong.
		composed := regexp.MustCompile(`^(scope|claim|time)\.|^consent\.(scope|claim)$|^error\.[0-9]+$`).MatchString(id)
		if !used[id] && !composed && !strings.Contains(source.String(), `"`+id+`"`) {
			t.Errorf("nothing says %q", id)
		}
	}
	for claim := range scopeOf {
		if english["claim."+claim] == "" {
			t.Errorf("there are no words for the claim %s", claim)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "a minute", time.Second: "a minute", time.Minute: "a minute", 61 * time.Second: "2 minutes", 10 * time.Minute: "10 minutes"} {
		if got := english.span(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
