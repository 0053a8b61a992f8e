package column

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Micros returns a time as it is kept: 0 is the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time returns the column that reads what Micros wrote.
func Time(to *time.Time) TimeColumn { return TimeColumn{to} }

// TimeColumn scans what Micros wrote.
type TimeColumn struct{ to *time.Time }

// Scan implements sql.Scanner.
func (c TimeColumn) Scan(src any) error {
	*c.to = time.Time{}
	switch v := src.(type) {
	case nil: // nothing was joined
	case int64:
		if v != 0 {
			*c.to = time.UnixMicro(v).UTC()
		}
	default:
		return fmt.Errorf("time is a %T, not a number", src)
	}
	return nil
}

// Encode returns a list or object as it is kept.
func Encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("%T: %v", v, err)) // records hold nothing that JSON cannot
	}
	return string(text)
}

// EncodeList is Encode for lists: most are empty or short, and nil is kept as [].
func EncodeList(v []string) string {
	if len(v) == 0 {
		return "[]"
	}
	return Encode(v)
}

// List returns the column that reads what EncodeList wrote.
func List(to *[]string) ListColumn { return ListColumn{to} }

// ListColumn scans what EncodeList wrote; an empty list is nil.
type ListColumn struct{ to *[]string }

// Scan implements sql.Scanner.
func (c ListColumn) Scan(src any) error {
	*c.to = nil
	if src == "[]" {
		return nil
	}
	if text, ok := src.(string); ok {
		if list, ok := plainList(text); ok {
			*c.to = list
			return nil
		}
	}
	return JSON(c.to).Scan(src)
}

// plainList returns the list in a JSON array of texts without escapes, which nearly all lists are, and reports
// whether text is one. It makes one allocation: the elements share the memory of text. encoding/json made a tenth
// of the allocations of a userinfo request for three short lists.
func plainList(text string) (list []string, ok bool) {
	inner, begins := strings.CutPrefix(text, `["`)
	inner, ends := strings.CutSuffix(inner, `"]`)
	if !begins || !ends || strings.ContainsRune(inner, '\\') {
		return nil, false
	}
	list = strings.Split(inner, `","`)
	// More quotation marks than those between elements: there are spaces, or other values than texts.
	return list, strings.Count(inner, `"`) == 2*(len(list)-1)
}

// JSON returns the column that reads what Encode wrote into what to points to.
func JSON(to any) JSONColumn { return JSONColumn{to} }

// JSONColumn scans what Encode wrote.
type JSONColumn struct{ to any }

// Scan implements sql.Scanner.
func (c JSONColumn) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return json.Unmarshal([]byte(v), c.to)
	case []byte:
		return json.Unmarshal(v, c.to)
	}
	return fmt.Errorf("JSON is a %T, not text", src)
}

// Bytes returns the column that reads bytes.
func Bytes(to *[]byte) BytesColumn { return BytesColumn{to} }

// BytesColumn scans bytes; no bytes are nil.
type BytesColumn struct{ to *[]byte }

// Scan implements sql.Scanner.
func (c BytesColumn) Scan(src any) error {
	switch v := src.(type) {
	case nil: // nothing was joined
		*c.to = nil
	case []byte:
		*c.to = append([]byte(nil), v...) // the engine owns v
	default:
		return fmt.Errorf("bytes are a %T", src)
	}
	return nil
}

// Hash returns how a text is kept that clients choose, and that is looked for but never read: its length must not be
// the index's.
func Hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
