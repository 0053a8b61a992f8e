package exports

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// text is a text that some tools write as a number, as null, or as {"$oid": …}. Any other value is "".
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	switch {
	case raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		*t = text(strings.TrimSpace(s))
	case raw[0] == '{':
		var id struct {
			OID string `json:"$oid"`
		}
		if json.Unmarshal(raw, &id) == nil {
			*t = text(id.OID)
		}
	case raw[0] != '[' && !bytes.Equal(raw, []byte("null")):
		*t = text(raw)
	}
	return nil
}

// flag is a boolean that some tools write as a number or a text. What says neither is false.
type flag bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(raw []byte) error {
	var t text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	*f = flag(slices.Contains([]string{"true", "t", "1", "yes", "y", "\x01"}, strings.ToLower(string(t))))
	return nil
}

// moment is a date in one of the forms that databases write, or in seconds, milliseconds or microseconds. What is
// none is zero.
type moment struct{ time.Time }

var dateForms = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999-07",
	"2006-01-02 15:04:05.999999999 -07:00", "2006-01-02 15:04:05.999999999 -0700 MST",
	"2006-01-02 15:04:05.999999999 MST", "2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999", "2006-01-02",
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(raw []byte) error {
	m.Time = time.Time{}
	var extended struct {
		Date json.RawMessage `json:"$date"`
		Long json.RawMessage `json:"$numberLong"`
	}
	if raw[0] == '{' && json.Unmarshal(raw, &extended) == nil {
		if inner := slices.Concat(extended.Date, extended.Long); len(inner) > 0 && len(inner) < len(raw) {
			return m.UnmarshalJSON(inner)
		}
		return nil
	}
	var t text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	m.Time = dateOf(string(t))
	return nil
}

// dateOf returns the date that a text is; zero for none.
func dateOf(s string) time.Time {
	s, _, _ = strings.Cut(s, " m=") // programs of Go write the reading of a clock
	for _, form := range dateForms {
		if at, err := time.Parse(form, s); err == nil {
			return at.UTC()
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil || n <= 0:
		return time.Time{}
	case n < 1e11:
		return time.Unix(n, 0).UTC()
	case n < 1e14:
		return time.UnixMilli(n).UTC()
	}
	return time.UnixMicro(n).UTC()
}

// nested is a value that some tools write as JSON, and others as JSON inside a string. It is zero if it is
// neither.
type nested[T any] struct{ val T }

// UnmarshalJSON implements json.Unmarshaler.
func (n *nested[T]) UnmarshalJSON(raw []byte) error {
	var zero T
	n.val = zero
	if raw[0] == '"' {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		raw = []byte(s)
	}
	if json.Unmarshal(raw, &n.val) != nil {
		n.val = zero
	}
	return nil
}
