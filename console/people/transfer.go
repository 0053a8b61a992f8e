package people

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/importing/jobs"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	importRoot = root + "/import"
	importFile = importRoot + "/file"

	// awaitImport is how long a browser waits for an import, so that small ones are over on the next page.
	awaitImport = time.Second
	// latestImports is how many imports are listed.
	latestImports = 5
	// refreshImport is after how many seconds the page of an import is loaded again.
	refreshImport = 3
)

// importForm is what the page of imports shows.
type importForm struct {
	Form   console.Form // with a file
	Paste  console.Form // with rows, in place of a file
	Latest []importRow
}

// importRow is an import in the list.
type importRow struct {
	URL, Name, State string
	At               ui.Stamp
}

// importPage is where a file is chosen, or rows are pasted.
func (p place) importPage(c *console.Call) error {
	product := console.Field{Name: "product", Label: "people.import_product", Kind: "select",
		Options: []console.Option{{Value: "", Text: c.T("people.import_own")}}}
	for _, name := range jobs.Products() {
		product.Options = append(product.Options, console.Option{Value: name, Text: productName(name)})
	}
	// The file comes last: what stands behind it in the form is not read.
	file := console.Field{Name: "file", Label: "people.import_file", Hint: "people.import_file_hint", Kind: "file",
		Required: true}
	rows := console.Field{Name: "rows", Label: "people.import_rows", Hint: "people.import_hint", Kind: "textarea",
		Required: true}
	page := importForm{Form: c.Form(product, file), Paste: c.Form(rows)}
	latest, err := p.Imports.Latest(c.Context(), c.Asker, latestImports)
	if err != nil {
		return err
	}
	for _, j := range latest {
		page.Latest = append(page.Latest, importRow{c.Link(importFile, "id", j.ID), j.Name,
			c.T("people.import_state." + j.State), ui.StampOf(c.Words, j.CreatedAt)})
	}
	return c.ShowView("import", c.View("people.import").BackTo("place.people", root), page)
}

// productNames are the names of products that are not those of exports with a capital letter.
var productNames = map[string]string{
	"aspnet": "ASP.NET Identity", "auth0": "Auth0", "kratos": "Ory Kratos", "pocketid": "Pocket ID",
	"wordpress": "WordPress",
}

// productName returns what administrators call a product.
func productName(name string) string {
	if known := productNames[name]; known != "" {
		return known
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// receive stores the file that the form brings, or the rows that were pasted, and has them checked.
func (p place) receive(c *console.Call) error {
	f := jobs.File{Name: c.T("people.import_pasted"), Product: c.Value("product"),
		Body: strings.NewReader(strings.TrimSpace(c.PostForm.Get("rows")))}
	if sent := ui.FileOf(c.Request); sent != nil {
		f.Name, f.Body = sent.Name, sent
	}
	if f.Product != "" && !slices.Contains(jobs.Products(), f.Product) {
		return storage.ErrNotFound
	}
	ctx := web.Lasting(c.Context()) // a file may take long to arrive
	id, err := p.Imports.Receive(ctx, c.Asker, c.Administrator.User.TenantID, f)
	switch {
	case errors.Is(err, jobs.ErrEmpty):
		err = c.Wrong("file", "people.import_empty")
	case errors.Is(err, jobs.ErrTooLarge):
		err = c.Wrong("file", "people.import_large")
	case errors.Is(err, jobs.ErrTooMany):
		_, _ = io.Copy(io.Discard, f.Body) // browsers show no answer before they have sent all
		err = c.Wrong("", "people.import_busy")
	}
	if err != nil {
		return c.Refuse(err, "rows", "product")
	}
	if _, err := p.Imports.Await(ctx, c.Asker, id, awaitImport); err != nil {
		return err
	}
	return c.Go(c.To(importFile, "id", id))
}

// importShown is what the page of an import shows.
type importShown struct {
	ID, State string
	Working   bool
	Percent   int64
	Progress  string
	Facts     []fact
	Notes     []string
	Fault     string // what is wrong with the file, in English
	Until     *ui.Stamp
	Add       string // the text of the button that adds people; "" for none
	Stop      string // the text of the button that ends the import; "" for none
	List      console.List
	Lines     []importLine
	More      string
}

// importLine is a row that was not imported.
type importLine struct{ Where, What, Who, Why string }

// importState shows an import: how far it is, what was found, and what was not imported.
func (p place) importState(c *console.Call) error {
	j, err := p.Imports.Find(c.Context(), c.Asker, c.FormValue("id"))
	if err != nil {
		return err
	}
	page := importShown{ID: j.ID, State: c.T("people.import_state." + j.State), Working: j.Working(),
		List: console.List{First: c.First()}}
	note := func(id string) { page.Notes = append(page.Notes, c.T(id)) }
	n := j.Counts()
	switch j.State {
	case storage.ImportReceiving, storage.ImportChecking, storage.ImportAdding:
		note("people.import_leave")
		page.Stop = c.T("people.import_stop")
		if j.Bytes > 0 {
			page.Percent = min(100, j.Read*100/j.Bytes)
		}
		page.Progress = c.T("people.import_progress", c.Words.Number(int64(n.Rows())), page.Percent)
	case storage.ImportChecked:
		note("people.import_add_will")
		page.Until, page.Stop = c.Stamp(j.ExpiresAt), c.T("people.import_discard")
		page.Add = c.T("people.import_add", n.Added)
	case storage.ImportStopped:
		note("people.import_stopped")
	case storage.ImportDone:
		if n.Added == 0 {
			note("people.import_nothing")
		}
	case storage.ImportFailed:
		note("people.import_fault." + j.Fault)
		page.Fault = j.Text
	}
	page.Facts = importFacts(c, j, n)
	if err := p.importLines(c, j, &page); err != nil {
		return err
	}
	v := c.View("people.import").BackTo("people.import", importRoot)
	v.Title = j.Name
	if page.Working {
		v.Refresh = refreshImport
	}
	return c.ShowView("importfile", v, page)
}

// importFacts returns what was counted.
func importFacts(c *console.Call, j jobs.Job, n importing.Counts) (all []fact) {
	added := "people.import_added"
	if j.State == storage.ImportChecking || j.State == storage.ImportChecked {
		added = "people.import_new"
	}
	for _, one := range []struct {
		name  string
		count int
		show  bool
	}{
		{added, n.Added, true}, {"people.import_there", n.There, true}, {"people.import_refused", n.Refused, true},
		{"people.import_left_out", n.LeftOut, n.LeftOut > 0}, {"people.import_partly", n.Partly, n.Partly > 0},
	} {
		if one.show {
			all = append(all, fact{Name: c.T(one.name), Text: c.Words.Number(int64(one.count))})
		}
	}
	return all
}

// importLines adds a page of what was not imported.
func (p place) importLines(c *console.Call, j jobs.Job, page *importShown) error {
	list := "import " + j.ID
	lines, last, err := p.Imports.Lines(c.Context(), c.Asker, j.ID, console.At[int64](c, list), console.PageSize)
	if err != nil {
		return err
	}
	for _, l := range lines {
		page.Lines = append(page.Lines, importLine{c.T("people.import_line", l.Line), c.T("people.import_what." + l.What),
			l.Who, l.Why})
	}
	if len(lines) == console.PageSize && last < j.Lines {
		if page.List.Next, err = console.PageAfter(c, list, last); err != nil {
			return err
		}
	}
	if j.Lines >= jobs.MaxLines {
		page.More = c.T("people.import_more", c.Words.Number(jobs.MaxLines))
	}
	return nil
}

// importAdd has the people of a checked file added.
func (p place) importAdd(c *console.Call) error {
	id := c.Value("id")
	err := p.Imports.Add(c.Context(), c.Asker, c.Administrator.User.TenantID, id)
	if errors.Is(err, storage.ErrStale) { // a second click, or another administrator: the page says how it stands
		return c.Go(c.To(importFile, "id", id))
	}
	if err != nil {
		return err
	}
	if _, err := p.Imports.Await(c.Context(), c.Asker, id, awaitImport); err != nil {
		return err
	}
	return c.Go(c.To(importFile, "id", id))
}

// importStop ends an import, or discards a file.
func (p place) importStop(c *console.Call) error {
	id := c.Value("id")
	if err := p.Imports.Stop(c.Context(), c.Asker, id); err != nil {
		return err
	}
	return c.Go(c.To(importFile, "id", id))
}

// patience is how long a browser has to take the next part of a download.
const patience = time.Minute

// export sends all users as JSON lines, without passwords. One that breaks off ends the connection, so that the browser
// says that the download failed.
func (p place) export(c *console.Call) error {
	h := c.W.Header()
	h.Set("Content-Type", "application/jsonl; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="people.jsonl"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	c.W.WriteHeader(http.StatusOK)
	out := patient{c.W, http.NewResponseController(c.W)}
	if err := importing.Export(web.Lasting(c.Context()), p.Files, c.Asker, out, false); err != nil {
		web.Note(c.Context(), "cause", err.Error())
		panic(http.ErrAbortHandler)
	}
	return nil
}

// patient gives the browser time for each part of a download.
type patient struct {
	http.ResponseWriter
	deadline *http.ResponseController
}

// Write implements io.Writer.
func (w patient) Write(b []byte) (int, error) {
	_ = w.deadline.SetWriteDeadline(time.Now().Add(patience)) // without it, the server's own deadline holds
	return w.ResponseWriter.Write(b)
}
