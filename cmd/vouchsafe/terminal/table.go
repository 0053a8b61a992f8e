package terminal

import (
	"io"
	"os"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// Table aligns rows. It prints some hundred at a time, so that memory does not grow with their number:
// columns may get wider further down. On a terminal no line is longer than the screen; elsewhere all
// cells are complete.
type Table struct {
	w      io.Writer
	screen int // columns of the terminal; 0 if there is none
	rows   [][]string
	widths []int
}

// tableRows is how many rows are aligned together.
const tableRows = 200

// Table returns a table on standard output that begins with the names of its columns.
func (t *Terminal) Table(columns ...string) *Table {
	table := &Table{w: t.Out, screen: screenWidth(t.Out), widths: make([]int, len(columns))}
	table.rows = append(table.rows, columns)
	return table
}

// screenWidth returns the number of columns of the terminal that w is, or 0.
func screenWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// Row adds a row. It prints the rows that wait if there are many; Flush prints the last ones.
func (t *Table) Row(cells ...string) {
	for i, c := range cells {
		// Names of users and clients must not move the cursor of a terminal.
		cells[i] = Printable(c)
	}
	t.rows = append(t.rows, cells)
	if len(t.rows) >= tableRows {
		_ = t.Flush() // a writer that failed once fails at the end, too
	}
}

// Flush prints the rows that were not printed yet.
func (t *Table) Flush() error {
	for _, cells := range t.rows {
		for i, c := range cells {
			t.widths[i] = max(t.widths[i], Columns(c))
		}
	}
	fitting := t.fit()
	var b strings.Builder
	for _, cells := range t.rows {
		var line strings.Builder
		for i, c := range cells {
			c = shorten(c, fitting[i])
			line.WriteString(c)
			if i < len(cells)-1 {
				line.WriteString(strings.Repeat(" ", fitting[i]+2-Columns(c)))
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	t.rows = t.rows[:0]
	_, err := io.WriteString(t.w, b.String())
	return err
}

// leastColumn is the width below which no column is shortened.
const leastColumn = 4

// fit returns the widths of the columns with which a line fits the terminal. The widest column gives way
// first.
func (t *Table) fit() []int {
	fitting := slices.Clone(t.widths)
	if t.screen == 0 {
		return fitting
	}
	total := 2 * (len(fitting) - 1)
	for _, w := range fitting {
		total += w
	}
	for ; total > t.screen; total-- {
		widest := 0
		for i, w := range fitting {
			if w >= fitting[widest] {
				widest = i
			}
		}
		if fitting[widest] <= leastColumn {
			break
		}
		fitting[widest]--
	}
	return fitting
}

// shorten returns s in at most so many columns of a terminal, with … in the place of what is left out.
func shorten(s string, columns int) string {
	if Columns(s) <= columns {
		return s
	}
	used := 1 // of the …
	for i, r := range s {
		if used += columnsOfRune(r); used > columns {
			return s[:i] + "…"
		}
	}
	return s
}

// Columns returns how many columns of a terminal s takes.
func Columns(s string) int {
	n := 0
	for _, r := range s {
		n += columnsOfRune(r)
	}
	return n
}

// columnsOfRune returns how many columns of a terminal a character takes: none for a mark that is written over another
// character, two for a wide one (Unicode Standard Annex 11).
func columnsOfRune(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Printable returns s with spaces in the place of control characters, and of those that turn the direction
// of writing.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}
