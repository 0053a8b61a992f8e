package engine

import (
	"errors"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// A query of two statements is one write: when the second fails, or the caller cannot read what it returns, the
// first has not happened either.
func TestTheSecondStatementFails(t *testing.T) {
	t.Parallel()
	const spends = `INSERT INTO spent_values (tenant_id, purpose, hash, expires_at) VALUES ('default', 'x', $1, 1);
		SELECT json($2), changes()`
	s := openFile(t)
	write := func(value, answer string, scanned error) error {
		return s.engine.Write(t.Context(), func(c Conn) error {
			return c.Each(spends, []any{[]byte(value), answer}, func(row Scanner) error {
				var said string
				var n int64
				if err := row.Scan(&said, &n); err != nil || said != answer || n != 1 {
					t.Errorf("got %q, %d, %v", said, n, err)
				}
				return scanned
			})
		})
	}
	stored := func() (n int64) {
		t.Helper()
		err := s.engine.Read(t.Context(), func(c Conn) error {
			return c.Row(`SELECT COUNT(*) FROM spent_values WHERE tenant_id = $1`, "default").Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := write("a", "no JSON", nil); !errors.Is(err, storage.ErrUnavailable) || stored() != 0 {
		t.Errorf("the SELECT fails: got %v and %d rows, want none", err, stored())
	}
	if err := write("a", "{}", errors.New("unread")); err == nil || stored() != 0 {
		t.Errorf("the row is not read: got %v and %d rows, want none", err, stored())
	}
	if err := write("a", "{}", nil); err != nil || stored() != 1 {
		t.Errorf("got %v and %d rows, want one", err, stored())
	}
}

// TestValuesComeBack stores values of each kind and reads them into each.
func TestValuesComeBack(t *testing.T) {
	t.Parallel()
	type named string
	s := openFile(t)
	one := func(value any, to ...any) error {
		return s.engine.Read(t.Context(), func(c Conn) error { return c.Row(`SELECT $1`, value).Scan(to...) })
	}
	var text string
	var name named
	var bytes []byte
	var whole int64
	var small int
	var truth bool
	for _, c := range []struct {
		value, to any
		ok        func() bool
	}{
		{"é\x00日", &text, func() bool { return text == "é\uFFFD日" }}, // see bind
		{"", &text, func() bool { return text == "" }},
		{named("n"), &name, func() bool { return name == "n" }},
		{int64(-1 << 62), &whole, func() bool { return whole == -1<<62 }},
		{int64(7), &text, func() bool { return text == "7" }},
		{7, &small, func() bool { return small == 7 }},
		{true, &truth, func() bool { return truth }},
		{false, &truth, func() bool { return !truth }},
		{[]byte("a\x00\xff"), &bytes, func() bool { return string(bytes) == "a\x00\xff" }},
		{[]byte(nil), &bytes, func() bool { return bytes != nil && len(bytes) == 0 }},
	} {
		if err := one(c.value, c.to); err != nil || !c.ok() {
			t.Errorf("%#v into %T: got %v, %v", c.value, c.to, c.to, err)
		}
	}
	for _, c := range []struct{ value, to any }{
		{nil, &text}, {nil, &whole}, {"7", &whole}, {"x", &truth}, {7, &bytes}, {7, &name}, {7, nil}, {struct{}{}, &text},
	} {
		if err := one(c.value, c.to); err == nil {
			t.Errorf("%#v into %T: want an error", c.value, c.to)
		}
	}
	if err := one("x", &text, &name); err == nil {
		t.Error("one column into two values: want an error")
	}
}
