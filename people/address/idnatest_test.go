package address

import (
	"bufio"
	"compress/gzip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// escape is a character as Unicode's files write it where it would not show.
var escape = regexp.MustCompile(`\\u([0-9A-F]{4})|\\x\{([0-9A-F]+)\}`)

// TestUnicodesOwnDomains: of the domains of Unicode's IdnaTestV2, with and without a dot
// behind them, each is read as the file has it for non-transitional processing, or not at all;
// and none is read that the file calls an error.
func TestUnicodesOwnDomains(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/IdnaTestV2.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	read, right := 0, 0
	owners := map[string]string{}
	for lines := bufio.NewScanner(unzipped); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		f := strings.Split(lines.Text(), ";") // source, toUnicode, its status, toASCII, its status
		for i := range f {
			f[i] = escape.ReplaceAllStringFunc(f[i], func(s string) string {
				n, _ := strconv.ParseUint(strings.Trim(s, `\ux{}`), 16, 32)
				return string(rune(n))
			})
		}
		for _, c := range []struct{ column, like int }{{1, 0}, {3, 1}, {4, 2}} { // what is left out is as another column
			if f[c.column] == "" {
				f[c.column] = f[c.like]
			}
		}
		source, want, fault := f[0], f[3], strings.Trim(f[4], "[]") != ""
		for _, dot := range []string{"", "."} {
			source, want := strings.TrimSuffix(source, dot), strings.TrimSuffix(want, dot)
			a, err := Read("x@" + source)
			if err != nil {
				continue
			}
			read++
			if fault && dot == "" {
				t.Errorf("%+q is read as %s, and is wrong for %s", source, a.Domain(), f[4])
			} else if !fault && a.Domain() != want {
				t.Errorf("%+q is read as %s, want %s", source, a.Domain(), want)
			} else if !fault {
				right++
			}
			if other, ok := owners[a.Key()]; ok && !fault && other != want {
				t.Errorf("%+q shares its key with what stands for %s", source, other)
			}
			owners[a.Key()] = want
		}
	}
	if read < 700 || right < 700 {
		t.Errorf("%d of the domains were read, %d as they should", read, right)
	}
}
