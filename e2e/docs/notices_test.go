package docs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/golden"
)

// TestLicense: the licence is the text that the Apache Software Foundation publishes, to the byte.
func TestLicense(t *testing.T) {
	t.Parallel()
	const published = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
	text := read(t, "LICENSE")
	if sum := sha256.Sum256([]byte(text)); hex.EncodeToString(sum[:]) != published {
		t.Errorf("LICENSE has the hash %x, want %s", sum, published)
	}
}

// TestNotices: third_party/NOTICES.txt has the licence of each module in the binary, as most of them
// demand of a binary that is passed on, and the image has both files.
func TestNotices(t *testing.T) {
	t.Parallel()
	golden.Check(t, filepath.Join(root(t), "third_party", "NOTICES.txt"), func(string) string { return notices(t) })
	if image := read(t, "Dockerfile"); !strings.Contains(image, "LICENSE third_party/NOTICES.txt /licenses/") {
		t.Error("the image does not contain the licences")
	}
}

// module is a module in the binary, as go list prints it.
type module struct {
	Path, Version, Dir string
	Replace            *struct{ Path string }
}

// modules returns the modules in the binary, but this one and those that are replaced by folders here.
func modules(t *testing.T) []module {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-json=Module", "./cmd/vouchsafe")
	list.Dir = root(t)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []module
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ Module *module }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if m := p.Module; m != nil && m.Version != "" && m.Replace == nil && !slices.Contains(all, *m) {
			all = append(all, *m)
		}
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return all
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying|notice|patents)`)

// notices returns the text of third_party/NOTICES.txt. Modules with the same text share it.
func notices(t *testing.T) string {
	t.Helper()
	var texts []string
	users := map[string][]string{}
	add := func(user, text string) {
		text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
		if users[text] == nil {
			texts = append(texts, text)
		}
		users[text] = append(users[text], user)
	}
	add("the word list of zxcvbn, from which people/password/strength/lists/words.flate is made",
		read(t, "people/password/strength/lists/LICENSE.zxcvbn"))
	for _, m := range modules(t) {
		files, err := os.ReadDir(m.Dir)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range files {
			if f.IsDir() || !licenceFile.MatchString(f.Name()) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(m.Dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			found = true
			add(m.Path+" "+m.Version+" ("+f.Name()+")", string(text))
			if m.Path == "golang.org/x/sys" && f.Name() == "LICENSE" {
				add("Go's standard library", string(text))
			}
		}
		if !found {
			t.Errorf("%s has no licence: may it be passed on?", m.Path)
		}
	}
	var b strings.Builder
	b.WriteString("The binary of Vouchsafe contains the following software of others, each under the licence below it.\n" +
		"A test makes this file: go test ./e2e/docs -run TestNotices -update\n")
	for _, text := range texts {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(users[text], "\n"), text)
	}
	return b.String()
}
