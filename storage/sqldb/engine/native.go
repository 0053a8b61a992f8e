package engine

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// native is a connection to SQLite by the functions of its C library, which one goroutine at a time may use. The
// driver for database/sql makes five allocations for each column of a row, and takes a lock for each: that was most
// of what a row cost.
type native struct {
	tls        *libc.TLS
	db         uintptr // 0 once it is closed
	statements map[string]*statement
}

// openNative connects. The data source name is that of the driver, whose pragmas are run.
func openNative(source string) (*native, error) {
	n := &native{tls: libc.NewTLS(), statements: make(map[string]*statement)}
	name, err := libc.CString(source)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(n.tls, name)
	rc := n.result(&n.db, func(to uintptr) int32 {
		return sqlite3.Xsqlite3_open_v2(n.tls, name, to, sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_CREATE|
			sqlite3.SQLITE_OPEN_NOMUTEX|sqlite3.SQLITE_OPEN_URI, 0)
	})
	if rc != sqlite3.SQLITE_OK {
		return nil, errors.Join(n.fault(rc), n.close())
	}
	sqlite3.Xsqlite3_extended_result_codes(n.tls, n.db, 1)
	_, parameters, _ := strings.Cut(source, "?")
	values, err := url.ParseQuery(parameters)
	for _, pragma := range values["_pragma"] {
		if err == nil {
			_, err = n.exec("PRAGMA "+pragma, nil)
		}
	}
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// result calls f, which stores a pointer at the address it is given, and sets p to that pointer.
func (n *native) result(p *uintptr, f func(to uintptr) int32) int32 {
	to := n.tls.Alloc(8)
	defer n.tls.Free(8)
	rc := f(to)
	*p = libc.AtomicLoadPUintptr(to)
	return rc
}

// liteError is an error of SQLite.
type liteError struct {
	code int
	text string
}

// Error implements error.
func (e *liteError) Error() string { return e.text }

// Code returns SQLite's extended result code, as the errors of its driver do.
func (e *liteError) Code() int { return e.code }

// fault returns the error for the result of the last call.
func (n *native) fault(rc int32) error {
	text := libc.GoString(sqlite3.Xsqlite3_errstr(n.tls, rc))
	if n.db != 0 {
		if said := libc.GoString(sqlite3.Xsqlite3_errmsg(n.tls, n.db)); said != text {
			text += ": " + said
		}
	}
	return &liteError{int(rc), fmt.Sprintf("%s (%d)", text, rc)}
}

// close closes the connection and its statements. A second call does nothing.
func (n *native) close() error {
	if n.db == 0 {
		return nil
	}
	for _, s := range n.statements {
		s.finalize()
	}
	var err error
	if rc := sqlite3.Xsqlite3_close_v2(n.tls, n.db); rc != sqlite3.SQLITE_OK {
		err = n.fault(rc)
	}
	n.db, n.statements = 0, nil
	n.tls.Close()
	return err
}

// statement is a prepared statement, and while it runs, the row that it is at.
type statement struct {
	*native
	handle uintptr
	// numbers has the N of each parameter $N.
	numbers []int
	columns int32
	// memory holds the texts and bytes of the arguments, which SQLite reads while the statement runs.
	memory uintptr
	room   int
	busy   bool
	// next is the statement that the query has behind this one, or nil.
	next *statement
}

// prepare returns the first statement of the query, which may have several with semicolons between them. They are
// prepared once.
func (n *native) prepare(query string) (*statement, error) {
	if s := n.statements[query]; s != nil {
		return s, nil
	}
	if n.db == 0 {
		return nil, sql.ErrConnDone
	}
	text, err := libc.CString(query)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(n.tls, text)
	var first *statement
	for link, rest := &first, text; libc.GoBytes(rest, 1)[0] != 0; link = &(*link).next {
		if *link, rest, err = n.prepareOne(rest); err != nil {
			first.finalize()
			return nil, err
		}
	}
	n.statements[query] = first
	return first, nil
}

// prepareOne prepares the statement that the text begins with, and returns what is behind it.
func (n *native) prepareOne(text uintptr) (s *statement, rest uintptr, err error) {
	s = &statement{native: n}
	rc := n.result(&s.handle, func(to uintptr) int32 {
		return n.result(&rest, func(behind uintptr) int32 {
			return sqlite3.Xsqlite3_prepare_v3(n.tls, n.db, text, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, to, behind)
		})
	})
	if rc != sqlite3.SQLITE_OK {
		return nil, 0, n.fault(rc)
	}
	for i := range sqlite3.Xsqlite3_bind_parameter_count(n.tls, s.handle) {
		name := libc.GoString(sqlite3.Xsqlite3_bind_parameter_name(n.tls, s.handle, i+1))
		number, err := strconv.Atoi(strings.TrimPrefix(name, "$"))
		if err != nil {
			s.finalize()
			return nil, 0, fmt.Errorf("parameter %q is not $N", name)
		}
		s.numbers = append(s.numbers, number)
	}
	s.columns = sqlite3.Xsqlite3_column_count(n.tls, s.handle)
	return s, rest, nil
}

// finalize gives back the memory of the statement, and of those behind it.
func (s *statement) finalize() {
	for ; s != nil; s = s.next {
		sqlite3.Xsqlite3_finalize(s.tls, s.handle)
		sqlite3.Xsqlite3_free(s.tls, s.memory)
	}
}

// exec runs the query to its end, and returns how many rows it changed.
func (n *native) exec(query string, args []any) (int64, error) {
	if err := n.each(query, args, func(Scanner) error { return nil }); err != nil {
		return 0, err
	}
	return sqlite3.Xsqlite3_changes64(n.tls, n.db), nil
}

// each runs the query and calls scan for every row.
func (n *native) each(query string, args []any, scan func(Scanner) error) error {
	s, err := n.prepare(query)
	for ; err == nil && s != nil; s = s.next {
		err = s.run(args, scan)
	}
	return err
}

// run runs the statement and calls scan for every row.
func (s *statement) run(args []any, scan func(Scanner) error) error {
	if s.busy {
		return errors.New("the statement runs already: its rows are being read")
	}
	s.busy = true
	defer func() {
		sqlite3.Xsqlite3_reset(s.tls, s.handle)
		s.busy = false
	}()
	if err := s.bind(args); err != nil {
		return err
	}
	for {
		switch rc := sqlite3.Xsqlite3_step(s.tls, s.handle); rc {
		case sqlite3.SQLITE_ROW:
			if err := scan(s); err != nil {
				return err
			}
		case sqlite3.SQLITE_DONE:
			return nil
		default:
			return s.fault(rc)
		}
	}
}

// changed returns how many rows the connection has changed so far; 0 once it is closed.
func (n *native) changed() int64 {
	if n.db == 0 {
		return 0
	}
	return sqlite3.Xsqlite3_total_changes64(n.tls, n.db)
}

// bind sets the parameters. What they were set to before may be gone: all are set each time.
func (s *statement) bind(args []any) error {
	need := 1 // so that an empty text has an address: without one, it would be NULL
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			need += len(v)
		case []byte:
			need += len(v)
		case int64, int, bool, float64, nil:
		default:
			plain, err := plainValue(v)
			if err != nil {
				return err
			}
			args[i] = plain
			text, _ := plain.(string)
			need += len(text)
		}
	}
	if need > s.room {
		sqlite3.Xsqlite3_free(s.tls, s.memory)
		s.room = max(2*need, 128)
		if s.memory = sqlite3.Xsqlite3_malloc64(s.tls, uint64(s.room)); s.memory == 0 {
			s.room = 0
			return &liteError{sqlite3.SQLITE_NOMEM, "no memory for arguments"}
		}
	}
	memory, used := libc.GoBytes(s.memory, s.room), 0
	for i, number := range s.numbers {
		if number < 1 || number > len(args) {
			return fmt.Errorf("no argument for $%d", number)
		}
		rc, at := int32(0), s.memory+uintptr(used)
		switch v := args[number-1].(type) {
		case string:
			used += copy(memory[used:], v)
			rc = sqlite3.Xsqlite3_bind_text(s.tls, s.handle, int32(i+1), at, int32(len(v)), 0)
		case []byte:
			used += copy(memory[used:], v)
			rc = sqlite3.Xsqlite3_bind_blob(s.tls, s.handle, int32(i+1), at, int32(len(v)), 0)
		case int64:
			rc = sqlite3.Xsqlite3_bind_int64(s.tls, s.handle, int32(i+1), v)
		case int:
			rc = sqlite3.Xsqlite3_bind_int64(s.tls, s.handle, int32(i+1), int64(v))
		case bool:
			rc = sqlite3.Xsqlite3_bind_int64(s.tls, s.handle, int32(i+1), map[bool]int64{true: 1}[v])
		case float64:
			rc = sqlite3.Xsqlite3_bind_double(s.tls, s.handle, int32(i+1), v)
		default:
			rc = sqlite3.Xsqlite3_bind_null(s.tls, s.handle, int32(i+1))
		}
		if rc != sqlite3.SQLITE_OK {
			return s.fault(rc)
		}
	}
	return nil
}

// plainValue returns what a value of a type with a name is beneath it.
func plainValue(v any) (any, error) {
	switch of := reflect.ValueOf(v); of.Kind() {
	case reflect.String:
		return of.String(), nil
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		return of.Int(), nil
	case reflect.Bool:
		return of.Bool(), nil
	default:
		return nil, fmt.Errorf("no argument can be a %T", v)
	}
}

// Scan implements Scanner. Text becomes a number only by a column of numbers; NULL only what a sql.Scanner makes of it.
func (s *statement) Scan(dest ...any) error {
	if len(dest) != int(s.columns) {
		return fmt.Errorf("scan %d columns into %d values", s.columns, len(dest))
	}
	for i, to := range dest {
		if err := s.scan(int32(i), to); err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
	}
	return nil
}

// scan sets what to points to to the value of a column.
func (s *statement) scan(i int32, to any) error {
	kind := sqlite3.Xsqlite3_column_type(s.tls, s.handle, i)
	if scanner, ok := to.(sql.Scanner); ok {
		switch kind {
		case sqlite3.SQLITE_INTEGER:
			return scanner.Scan(sqlite3.Xsqlite3_column_int64(s.tls, s.handle, i))
		case sqlite3.SQLITE_FLOAT:
			return scanner.Scan(sqlite3.Xsqlite3_column_double(s.tls, s.handle, i))
		case sqlite3.SQLITE_TEXT:
			return scanner.Scan(string(s.bytes(i)))
		case sqlite3.SQLITE_BLOB:
			return scanner.Scan(s.bytes(i)) // which scanners copy, as those of database/sql do
		}
		return scanner.Scan(nil)
	}
	text := kind == sqlite3.SQLITE_TEXT || kind == sqlite3.SQLITE_BLOB
	whole := kind == sqlite3.SQLITE_INTEGER
	switch to := to.(type) {
	case *string:
		if text || whole {
			*to = string(s.bytes(i))
			return nil
		}
	case *[]byte:
		if text {
			*to = append([]byte{}, s.bytes(i)...)
			return nil
		}
	case *int64:
		if whole {
			*to = sqlite3.Xsqlite3_column_int64(s.tls, s.handle, i)
			return nil
		}
	case *int:
		if whole {
			*to = int(sqlite3.Xsqlite3_column_int64(s.tls, s.handle, i))
			return nil
		}
	case *bool:
		if whole {
			*to = sqlite3.Xsqlite3_column_int64(s.tls, s.handle, i) != 0
			return nil
		}
	default:
		if of := reflect.ValueOf(to); text && of.Kind() == reflect.Pointer && of.Elem().Kind() == reflect.String {
			of.Elem().SetString(string(s.bytes(i)))
			return nil
		}
	}
	return fmt.Errorf("a value of SQLite's type %d cannot be a %T", kind, to)
}

// bytes returns the text or the bytes of a column, in memory of SQLite that is gone with the row.
func (s *statement) bytes(i int32) []byte {
	at := sqlite3.Xsqlite3_column_blob(s.tls, s.handle, i) // a number becomes text
	return libc.GoBytes(at, int(sqlite3.Xsqlite3_column_bytes(s.tls, s.handle, i)))
}
