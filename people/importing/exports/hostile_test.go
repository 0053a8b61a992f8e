package exports

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/people/importing"
)

// readAll reads a file as an export of the product, without further files.
func readAll(t *testing.T, product string, file io.Reader) []importing.Read {
	t.Helper()
	e, err := Open(Options{Product: product, Upstreams: tenant}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []importing.Read
	for r := range e.Read(file) {
		all = append(all, r)
	}
	return all
}

// Excel and clients of databases write a mark at the beginning, semicolons, line ends of Windows, and words for NULL.
func TestFilesThatOtherProgramsHaveTouched(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"plain":            "id,email,password\n1,jo@example.com,x\n",
		"mark and Windows": "\ufeffid,email,password\r\n1,jo@example.com,x\r\n",
		"semicolons":       "\ufeffID;Email;Password\r\n1;jo@example.com;x\r\n",
		"tabs":             "id\temail\tpassword\tdeleted_at\n1\tjo@example.com\tx\tNULL\n",
		"quoted tabs":      "\"id\"\t\"email\"\t\"password\"\r\n\"1\"\t\"jo@example.com\"\t\"x\"\r\n",
		"quotes and NULL":  "\"id\",\"email\",\"password\",\"deleted_at\"\n\"1\",\"jo@example.com\",\"x\",\\N\n",
		"JSON":             "\ufeff\r\n[{\"id\":1,\"email\":\"jo@example.com\",\"password\":\"x\",\"deleted_at\":null}]",
		"JSON lines":       `{"id":"1","email":"jo@example.com","password":"x"}`,
		"an object":        `{"id":"1","email":"jo@example.com","password":"x","name":null,"more":{"a":[1]}}`,
	} {
		rows := readAll(t, "laravel", strings.NewReader(file))
		if len(rows) != 1 || rows[0].Err != nil || rows[0].Skip != nil || rows[0].Row.Email != "jo@example.com" ||
			rows[0].Row.ExternalID != "1" || string(rows[0].Row.PasswordHash) != `"x"` {
			t.Errorf("%s: got %+v", name, rows)
		}
	}
}

// TestAQuoteTakesNoOtherUsersAlong: mysql --batch writes no quotes around values. A name that begins with one goes no
// further than its column.
func TestAQuoteTakesNoOtherUsersAlong(t *testing.T) {
	t.Parallel()
	rows := readAll(t, "laravel", strings.NewReader("id\tname\temail\n1\t\"Jo\tjo@example.com\n"+
		"2\tMo \"the\tmo@example.com\n3\tA\\\\B\\tC\tal@example.com\n4\tbroken\n5\t\"\ted@example.com"))
	if len(rows) != 5 || rows[3].Err == nil || rows[3].Line != 5 {
		t.Fatalf("got %+v", rows)
	}
	for i, want := range []string{`"Jo`, `Mo "the`, "A\\B\tC", "", `"`} {
		if got := rows[i].Row.Profile.Name; i != 3 && got != want {
			t.Errorf("line %d: got the name %q, want %q", i+2, got, want)
		}
	}
}

func TestFilesThatAreNoExportAreRefused(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"":                              "it is empty",
		"\xff\xfei\x00d\x00":            "UTF-16",
		`[{"id":1,"email":"a@b.c"},`:    "cut off",
		`[{"id":1`:                      "cut off",
		`{"users":[`:                    "cut off",
		`{"id":1} x`:                    "not JSON",
		`[1]`:                           "not a JSON object",
		"[{\"id\":\"\xff\"}]":           "not UTF-8",
		"id,email\n1,caf\xe9@b.c\n":     "not UTF-8",
		"id,email\n1\n":                 "2 columns",
		"{}1":                           "no users",
		"id,email\n1,\"" + long(2<<20):  "longer than 1 MiB",
		`[{"id":"` + long(2<<20) + `"}`: "longer than 1 MiB",
		`{"a":"` + long(2<<20) + `"}`:   "longer than 1 MiB",
	} {
		rows := readAll(t, "laravel", strings.NewReader(file))
		if len(rows) == 0 || rows[len(rows)-1].Err == nil || !strings.Contains(rows[len(rows)-1].Err.Error(), want) {
			t.Errorf("%.20q: got %+v, want %s", file, rows, want)
		}
	}
	for file, want := range map[string]string{
		`{"realm":"acme","clients":[]}`:                                     "no users",
		`{"realm":"acme","x":` + strings.Repeat("[", 300):                   "nested too deep",
		`{"users":[{"id":"1","attributes":{"a":["hashcanary"],"b":"x"}}]}`:  "cannot be",
		`{"users":[{"id":"1","credentials":[{"type":"otp","secretData":1,]`: "not JSON",
	} {
		rows := readAll(t, "keycloak", strings.NewReader(file))
		if len(rows) != 1 || rows[0].Err == nil || !strings.Contains(rows[0].Err.Error(), want) {
			t.Errorf("%.40q: got %+v, want %s", file, rows, want)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// endless is an array of users that never ends, and counts what is read of it.
type endless struct {
	user []byte
	read int
}

// Read implements io.Reader.
func (e *endless) Read(p []byte) (int, error) {
	if e.read == 0 {
		e.read++
		return copy(p, "["), nil
	}
	n := copy(p, e.user[(e.read-1)%len(e.user):])
	e.read += n
	return n, nil
}

// A file of any size is read one object at a time.
func TestGiantArraysAreNotHeld(t *testing.T) {
	t.Parallel()
	e, err := Open(Options{Product: "django"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	user := []byte(`{"model":"auth.user","pk":1,"fields":{"username":"jo","password":"x"}},` + "\n")
	file, n := &endless{user: user}, 0
	for r := range e.Read(file) {
		if n++; r.Err != nil || r.Line != n {
			t.Fatalf("row %d: line %d, %v", n, r.Line, r.Err)
		}
		if held := file.read - n*len(user); held > 64<<10 {
			t.Fatalf("behind row %d, %d bytes are read ahead", n, held)
		}
		if n == 10_000 {
			return
		}
	}
}

// TestEndsOfLinesAreNotHeld: a file of short lines takes no more memory than another one of its size. It measures
// that, and runs alone.
func TestEndsOfLinesAreNotHeld(t *testing.T) {
	for product, file := range map[string]struct{ begin, line, end string }{
		"laravel":  {"a\tb\n", "\n", ""},
		"keycloak": {`{"realm":"acme","x":[1`, ",\n1", "]}"},
	} {
		held, grown := heapGrowth(), int64(-1)
		readAll(t, product, io.MultiReader(strings.NewReader(file.begin), &lines{line: file.line, left: 1 << 20},
			strings.NewReader(file.end), atEnd(func() { grown = held() })))
		if grown < 0 || grown > 4<<20 {
			t.Errorf("%s: %d bytes are held at the end of the file", product, grown)
		}
	}
}

// heapGrowth returns what tells by how many bytes the heap has grown since.
func heapGrowth() func() int64 {
	used := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := used()
	return func() int64 { return used() - before }
}

// lines reads as a line over and over.
type lines struct {
	line string
	left int // lines
	rest string
}

// Read implements io.Reader.
func (l *lines) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if l.rest == "" {
			if l.left == 0 {
				return n, io.EOF
			}
			l.rest, l.left = l.line, l.left-1
		}
		copied := copy(p[n:], l.rest)
		n, l.rest = n+copied, l.rest[copied:]
	}
	return n, nil
}

// atEnd is an empty file that calls a function when it is read.
type atEnd func()

// Read implements io.Reader.
func (f atEnd) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

// An upstream that the tenant has is found by its preset, and otherwise by its name or what the operator says.
func TestIdentitiesAreOfTheTenantsUpstreams(t *testing.T) {
	t.Parallel()
	f := &files{Options: Options{Upstreams: append(tenant[:2:2], tenant[0]), Names: map[string]string{"azure": "octocat"}}}
	f.Upstreams[2].ID = "google-2"
	for name, want := range map[string]string{
		"google": "google", "GitHub": "octocat", "octocat": "octocat", "azure": "octocat",
		"google.com": "", "twitter": "", "microsoft": "", "facebook": "",
	} {
		if id, why := f.upstreamOf(name); id != want || (why == "") == (want == "") {
			t.Errorf("%s: got %q, %q", name, id, why)
		}
	}
	if _, err := Open(Options{Product: "auth0", Names: map[string]string{"x": "nowhere"}}, nil); err == nil {
		t.Error("an upstream that the tenant does not have is taken")
	}
	if _, err := Open(Options{Product: "laravel"}, []File{{"more", bytes.NewReader(nil)}}); err == nil {
		t.Error("a further file is taken of a product that has none")
	}
	if _, err := Open(Options{Product: "keratin"}, []File{{"more", strings.NewReader("a,b\n1,2\n")}}); err == nil ||
		!strings.Contains(err.Error(), "more: line 2: it has not the columns of oauth_accounts") {
		t.Errorf("got %v", err)
	}
}
