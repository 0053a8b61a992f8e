package people

import (
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/importing"
)

// importShown is what the page of the import shows.
type importShown struct {
	Form    console.Form
	Rows    string // what was pasted, for the import after the dry run
	Tried   bool
	Found   importing.Counts
	Refused []refusedRow
	Add     string // the text of the button
}

// refusedRow is a row that would not be imported.
type refusedRow struct {
	Line string
	Why  string
}

// mostRefused is how many refused rows a page shows.
const mostRefused = 50

// importPage is where rows are pasted.
func (p place) importPage(c *console.Call) error { return p.showImport(c, importShown{}) }

// showImport shows the page.
func (p place) showImport(c *console.Call, page importShown) error {
	page.Form = c.Form(console.Field{Name: "rows", Label: "people.import_rows", Hint: "people.import_hint",
		Kind: "textarea", Value: page.Rows, Required: true})
	return c.ShowView("import", c.View("people.import").BackTo("place.people", root), page)
}

// importRows tries the rows that were pasted, and imports them when that was asked for. A trial changes nothing, so
// that it is answered with the page itself.
func (p place) importRows(c *console.Call) error {
	rows := c.PostForm.Get("rows")
	page := importShown{Rows: rows, Tried: true}
	isCSV := !strings.HasPrefix(strings.TrimSpace(rows), "{")
	counts, err := importing.Import(c.Context(), p.Files, c.Asker, importing.ReadRows(strings.NewReader(rows), isCSV),
		importing.Options{DryRun: c.Value("import") == "", Refused: func(r importing.Refusal) error {
			if len(page.Refused) < mostRefused {
				page.Refused = append(page.Refused, refusedRow{c.T("people.import_line", r.Line), r.Why.Error()})
			}
			return nil
		}})
	if err != nil {
		page.Refused = append(page.Refused, refusedRow{"", err.Error()})
	}
	page.Found = counts
	if err == nil && c.Value("import") != "" {
		return c.Done(c.To(root), "people.imported", counts.Added, counts.There, counts.Refused)
	}
	page.Add = c.T("people.import_add", counts.Added)
	return p.showImport(c, page)
}

// export sends all users as JSON lines, without passwords.
func (p place) export(c *console.Call) error {
	h := c.W.Header()
	h.Set("Content-Type", "application/jsonl; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="people.jsonl"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	c.W.WriteHeader(http.StatusOK)
	if err := importing.Export(web.Lasting(c.Context()), p.Files, c.Asker, c.W, false); err != nil {
		web.Note(c.Context(), "error", err.Error()) // what was sent can't be taken back; the file ends early
	}
	return nil
}
