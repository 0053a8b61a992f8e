package importing

import (
	"io"
	"strings"
	"testing"
)

// repeated reads as a text over and over, up to 4 MiB, and counts what is read of it.
type repeated struct {
	text string
	read int
}

// Read implements io.Reader.
func (r *repeated) Read(p []byte) (int, error) {
	if r.read > 4<<20 {
		return 0, io.EOF
	}
	n := copy(p, r.text[r.read%len(r.text):])
	r.read += n
	return n, nil
}

// TestLongRowsOfCSVAreNotHeld: a row without an end, and a quote without one, end the file before they fill the memory.
// Nothing behind the bound is taken for a row.
func TestLongRowsOfCSVAreNotHeld(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]struct {
		begin, then string
		line        int
	}{
		"header":         {"email", ",", 1},
		"header's quote": {`"`, "x\n", 1},
		"commas":         {"email\njo@example.com\n", ",", 3},
		"quote":          {"email\n\"", "x,\n", 2},
		"bare quote":     {"email\nx\"", "x", 2},
		"empty lines":    {"email\n", "\n", 2},
	} {
		then, last, taken := &repeated{text: file.then}, Read{}, 0
		for last = range ReadRows(io.MultiReader(strings.NewReader(file.begin), then), true) {
			if last.Err == nil {
				taken++
			}
		}
		if !last.Fatal || last.Err == nil || !strings.Contains(last.Err.Error(), "longer than 65536 bytes") {
			t.Errorf("%s: got %+v", name, last)
		}
		if last.Line != file.line || taken > strings.Count(file.begin, "@") {
			t.Errorf("%s: ended on line %d behind %d rows, want line %d", name, last.Line, taken, file.line)
		}
		if then.read > 4*maxRow {
			t.Errorf("%s: %d bytes are read", name, then.read)
		}
	}
	n := 1
	file := "name\n" + strings.Repeat(`"`+strings.Repeat("x", maxRow-9)+"\"\r\n\n", 9)
	for r := range ReadRows(strings.NewReader(file), true) {
		if n++; r.Err != nil || r.Line != 2*n-2 {
			t.Fatalf("row %d: line %d, %v", n, r.Line, r.Err)
		}
	}
	if n != 10 {
		t.Errorf("got %d rows of just less than the bound, want 9", n-1)
	}
}
