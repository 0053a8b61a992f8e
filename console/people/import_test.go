package people_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/storage"
)

const importPath = "/admin/people/import"

// waits loads the page of an import again, as a browser without scripts does, until the server has done its work.
func waits(t *testing.T, b *consoletest.Browser) {
	t.Helper()
	at := b.Last.URL.RequestURI()
	for end := time.Now().Add(2 * time.Minute); strings.Contains(b.Last.Body, "data-refresh"); b.Open(at) {
		if !strings.Contains(b.Last.Body, `<noscript><meta http-equiv="refresh"`) {
			t.Fatal("a browser without scripts would not load the page again")
		}
		if time.Now().After(end) {
			t.Fatalf("the import doesn't end:\n%s", b.Last.Text())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// has reports whether there is a user with the address.
func has(t *testing.T, s *consoletest.Server, email string) bool {
	t.Helper()
	_, err := s.Store.UserByEmail(t.Context(), storage.DefaultTenant, email)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// TestPeopleAreImported: the check changes nothing and says what is wrong; then the people are added. Pasted rows go
// the same way as a file. The same file once more adds no one.
func TestPeopleAreImported(t *testing.T) {
	t.Parallel()
	s, b, _ := start(t)
	const rows = "email,name\nada@default.example,Ada\nnot an address,No One\ngrace@default.example,Grace\n"
	b.Open(importPath)
	b.Follow(b.Send(importPath, "rows", rows))
	waits(t, b)
	b.Says("Checked: waits for you", "New 1", "There already 1", "Refused 1", "Line 3:", "Add 1 person")
	if has(t, s, "ada@default.example") {
		t.Fatal("the check added a user")
	}
	b.Follow(b.Send(importPath + "/add"))
	waits(t, b)
	b.Says("Done", "Added 1", "There already 1", "Refused 1", "Line 3:")
	if !has(t, s, "ada@default.example") {
		t.Error("the user was not added")
	}
	b.Open(importPath)
	b.Says("Latest imports", "Pasted rows", "Done")
	b.Follow(b.Upload(importPath, "people.csv", strings.NewReader(rows)))
	waits(t, b)
	b.Says("people.csv", "The file has no new people.", "There already 2")
	exported := b.Get("/admin/people/export")
	if !strings.Contains(exported.Body, `"email":"ada@default.example"`) || strings.Contains(exported.Body, "argon2") ||
		!strings.HasPrefix(exported.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("got %s", exported.Body)
	}
	events, err := s.Store.Events(t.Context(), storage.DefaultTenant, "", 20)
	if !slices.ContainsFunc(events, func(e storage.Event) bool {
		return e.Kind == storage.EventUsersExported && e.Actor != ""
	}) {
		t.Errorf("the download is in no event: %v", err)
	}
}

// TestALargeFileIsImported: larger than any form, in parts; what goes into the database is sealed, and gone afterwards.
// It can be stopped before anyone is added.
func TestALargeFileIsImported(t *testing.T) {
	t.Parallel()
	s, b, _ := start(t)
	const people = 1500
	var rows strings.Builder
	for i := range people {
		fmt.Fprintf(&rows, `{"email":"p%d@default.example","profile":{"name":"Person %d","website":"https://%s.example/"}}`+
			"\n", i, i, strings.Repeat("x", 300))
	}
	if rows.Len() < 500<<10 {
		t.Fatal("the file is no larger than a form")
	}
	b.Open(importPath)
	b.Follow(b.Upload(importPath, "people.jsonl", strings.NewReader(rows.String())))
	id := b.Last.URL.Query().Get("id")
	part, err := s.Store.ImportPart(t.Context(), storage.DefaultTenant, id, 1)
	if err != nil || strings.Contains(string(part), "Person") {
		t.Errorf("the second part is not stored, or not sealed: %v", err)
	}
	waits(t, b)
	b.Says("New 1,500", "Refused 0")
	b.Follow(b.Send(importPath + "/add"))
	waits(t, b)
	b.Says("Done", "Added 1,500")
	if !has(t, s, "p1499@default.example") {
		t.Error("the last user is not there")
	}
	if _, err := s.Store.ImportPart(t.Context(), storage.DefaultTenant, id, 0); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the file is kept: %v", err)
	}
	b.Open(importPath)
	b.Follow(b.Upload(importPath, "more.jsonl", strings.NewReader(`{"email":"late@default.example"}`)))
	waits(t, b)
	b.Follow(b.Send(importPath + "/stop"))
	b.Says("Stopped")
	if has(t, s, "late@default.example") {
		t.Error("a discarded file added a user")
	}
}

// TestFilesAsOthersWriteThem: what went wrong elsewhere. A spreadsheet writes semicolons and a byte order mark; a user
// who is twice in the file, a row with too many columns, and letters in an old encoding are refused with their reason,
// and keep no other row from coming; a file without names of columns is no success without users.
func TestFilesAsOthersWriteThem(t *testing.T) {
	t.Parallel()
	s, b, _ := start(t)
	b.Open(importPath)
	b.Follow(b.Upload(importPath, "excel.csv", strings.NewReader("\ufeffemail;name\r\nada@default.example;Ada\r\n"+
		"ADA@default.example;Ada again\r\nbob@default.example;Bob;x\r\nc@default.example;J\xfcrgen\r\n"+
		"dan@default.example;\"Dan; the \"\"man\"\"\"\r\n")))
	waits(t, b)
	b.Says("New 2", "Refused 3", "Line 3:", "line 2 has this email too", "Line 4:",
		"it is not a line of CSV with 2 columns", "Line 5:", "name is not UTF-8")
	b.Follow(b.Send(importPath + "/add"))
	waits(t, b)
	u, err := s.Store.UserByEmail(t.Context(), storage.DefaultTenant, "dan@default.example")
	if err != nil || u.Profile.Name != `Dan; the "man"` {
		t.Errorf("got %q, %v", u.Profile.Name, err)
	}
	for file, why := range map[string]string{"ada@default.example\nbob@default.example\n": "is unknown, or there twice",
		`[{"email":"e@default.example"}]`: "it is a list in JSON"} {
		b.Open(importPath)
		b.Follow(b.Upload(importPath, "odd", strings.NewReader(file)))
		waits(t, b)
		b.Says("Failed", why)
	}
	b.Open(importPath)
	b.Follow(b.Upload(importPath, "auth0.json", strings.NewReader(
		`[{"user_id":"auth0|1","email":"eve@default.example","email_verified":true,"name":"Eve"}]`), "product", "auth0"))
	waits(t, b)
	b.Says("New 1", "Refused 0")
}

// TestUploadsAreRefused: no file, a file that can't be read, one without a form of this browser,
// too many at once, and one for a page that takes none.
func TestUploadsAreRefused(t *testing.T) {
	t.Parallel()
	s, b, _ := start(t)
	b.Open(importPath)
	b.Follow(b.Upload(importPath, "", nil))
	b.Says("Choose a file, or paste rows.")
	b.Open(importPath)
	b.Follow(b.Upload(importPath, "evil.csv", strings.NewReader("email,<script>alert(1)</script>\na@default.example,b\n")))
	waits(t, b)
	b.Says("Failed", "The file can’t be read to its end.", "is unknown, or there twice")
	if strings.Contains(b.Last.Body, "<script>alert") {
		t.Error("the page has the markup of a file")
	}
	b.Open(importPath)
	stranger := s.Stranger()
	stranger.Open("/login")
	stranger.Last.Body = b.Last.Body // a form of another browser
	if p := stranger.Upload(importPath, "a.csv", strings.NewReader("email\na@default.example\n")); p.Leads() == "" &&
		p.Status != http.StatusForbidden {
		t.Errorf("a stranger's file: got %s", p)
	}
	for range 3 {
		b.Open(importPath)
		b.Follow(b.Upload(importPath, "a.csv", strings.NewReader("email\na@default.example\n")))
		waits(t, b)
	}
	b.Open(importPath)
	b.Follow(b.Upload(importPath, "a.csv", strings.NewReader("email\na@default.example\n")))
	b.Says("Three imports are under way or wait for a decision.")
	b.Open("/admin/people/add")
	p := b.Upload("/admin/people/add", "a.csv", strings.NewReader("x"), "email", "b@default.example")
	if p.Leads() == "" && p.Status != http.StatusUnsupportedMediaType {
		t.Errorf("a file for a form without one: got %s", p)
	}
	if has(t, s, "a@default.example") || has(t, s, "b@default.example") {
		t.Error("a refused upload added a user")
	}
}

// TestAnImportOutlivesItsServer: a server that ended while it added users is followed by another one, which goes on
// where it stopped. It ends if the administrator is one no longer.
func TestAnImportOutlivesItsServer(t *testing.T) {
	t.Parallel()
	s, _, _ := start(t)
	admin := s.User(storage.DefaultTenant, "helper", storage.RoleSupport)
	b := s.Browser(admin, time.Time{})
	b.Open(importPath)
	b.Follow(b.Upload(importPath, "a.csv", strings.NewReader("email\none@default.example\ntwo@default.example\n")))
	waits(t, b)
	im, err := s.Store.Import(t.Context(), storage.DefaultTenant, b.Last.URL.Query().Get("id"))
	if err != nil {
		t.Fatal(err)
	}
	// As a server leaves it that was killed while it worked.
	left := im
	left.State, left.Runner, left.LeaseEnds = storage.ImportAdding, "killed", time.Now().Add(5*time.Second)
	if err := s.Store.ChangeImport(t.Context(), im, left); err != nil {
		t.Fatal(err)
	}
	b.Open(b.Last.URL.RequestURI())
	b.Says("People are being added", "You can leave this page")
	waits(t, b)
	b.Says("Done", "Added 2")

	b.Open(importPath)
	b.Follow(b.Upload(importPath, "b.csv", strings.NewReader("email\nthree@default.example\n")))
	waits(t, b)
	if err := s.Accounts.SetRole(t.Context(), s.Asker(storage.DefaultTenant), admin.ID, ""); err != nil {
		t.Fatal(err)
	}
	owner := s.Browser(s.User(storage.DefaultTenant, "second", storage.RoleOwner), time.Time{})
	at := b.Last.URL.RequestURI()
	im, err = s.Store.Import(t.Context(), storage.DefaultTenant, b.Last.URL.Query().Get("id"))
	if err != nil {
		t.Fatal(err)
	}
	left = im
	left.State = storage.ImportAdding
	if err := s.Store.ChangeImport(t.Context(), im, left); err != nil {
		t.Fatal(err)
	}
	owner.Open(at)
	waits(t, owner)
	owner.Says("Failed", "The administrator who started it may no longer import people.")
	if has(t, s, "three@default.example") {
		t.Error("an import of a former administrator added a user")
	}
}
