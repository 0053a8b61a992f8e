package column_test

import (
	"database/sql"
	"reflect"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/vouchsafe/vouchsafe/storage/sqldb/column"
)

// TestPackedColumnsAreThoseOfTheRow packs a row with SQLite and reads it. Values may contain what stands
// between the lengths.
func TestPackedColumnsAreThoseOfTheRow(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE TABLE t (a TEXT, b INTEGER, c INTEGER, d TEXT, e BLOB, f INTEGER, g TEXT)`); err != nil {
		t.Fatal(err)
	}
	type row struct {
		A, G string
		B    int64
		C    bool
		D    []string
		E    []byte
		F    time.Time
	}
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		want   row
		values []any
	}{
		"plain": {row{A: "a", B: 7, C: true, D: []string{"x", "y"}, E: []byte("e"), F: at, G: "g"},
			[]any{"a", 7, 1, `["x","y"]`, []byte("e"), at.UnixMicro(), "g"}},
		"empty": {row{}, []any{"", 0, 0, "[]", nil, 0, ""}},
		"NULL":  {row{}, []any{nil, nil, nil, "[]", nil, nil, nil}},
		"marks": {row{A: ",:1,2:", B: -1, D: []string{":,"}, E: []byte(",:"), G: "5,:"},
			[]any{",:1,2:", -1, 0, `[":,"]`, []byte(",:"), 0, "5,:"}},
		"zero bytes and more than ASCII": {row{A: "a\x00b", E: []byte("\x00\xff"), G: "日本\x00é"},
			[]any{"a\x00b", 0, 0, "[]", []byte("\x00\xff"), 0, "日本\x00é"}},
	} {
		if _, err := db.Exec(`INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7)`, c.values...); err != nil {
			t.Fatal(err)
		}
		var got row
		fields := []any{&got.A, &got.B, &got.C, column.List(&got.D), column.Bytes(&got.E), column.Time(&got.F), &got.G}
		if err := db.QueryRow(`DELETE FROM t RETURNING ` + column.Pack("t.a, t.b, t.c,\n\tt.d, t.e, t.f, t.g")).
			Scan(column.Packed(fields)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}

// TestBrokenPackedColumnsAreRefused reads texts that Pack does not make.
func TestBrokenPackedColumnsAreRefused(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]any{
		"no text": int64(1), "bytes": []byte("1,1,:a7"), "nothing": nil, "empty": "", "no mark": "1,1,", "one length": "1,:a",
		"too long":   "1,9,:a7",
		"below zero": "-1,1,:a7", "no number": "1,1,:ab", "no length": "x,1,:a7",
		"more values": "1,1,:a78", "more lengths": "1,1,0,:a7",
	} {
		var text string
		var n int64
		if err := column.Packed([]any{&text, &n}).Scan(src); err == nil {
			t.Errorf("%s: got %q, %d, want an error", name, text, n)
		}
	}
	var text string
	var n int64
	if err := column.Packed([]any{&text, &n}).Scan("1,1,:a7"); err != nil || text != "a" || n != 7 {
		t.Errorf("got %q, %d, %v", text, n, err)
	}
}
