package column

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Pack returns an SQLite expression that holds all of the columns in one text: their lengths in bytes,
// with a comma behind each, then ":", then the values. SQLite's driver makes five allocations for each
// column of a row, which are most of what it costs to read a wide one. columns are names with commas
// between them.
func Pack(columns string) string {
	var lengths, values strings.Builder
	for name := range strings.SplitSeq(columns, ",") {
		name = strings.TrimSpace(name)
		fmt.Fprintf(&lengths, `octet_length(%s), ',', `, name)
		fmt.Fprintf(&values, `, %s`, name)
	}
	return `concat(` + lengths.String() + `':'` + values.String() + `)`
}

// Packed returns the column that reads what Pack wrote into fields, which are pointers to texts, to whole
// numbers and to bools, or scanners.
func Packed(fields []any) PackedColumn { return PackedColumn{fields} }

// PackedColumn scans what Pack wrote.
type PackedColumn struct{ to []any }

var errPacked = errors.New("packed columns are cut off")

// Scan implements sql.Scanner. The texts that it reads share the memory of src.
func (c PackedColumn) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("packed columns are a %T, not text", src)
	}
	lengths, values, ok := strings.Cut(text, ":")
	if !ok {
		return errPacked
	}
	for _, to := range c.to {
		digits, rest, ok := strings.Cut(lengths, ",")
		if !ok {
			return errPacked
		}
		lengths = rest
		n := 0
		if digits != "" { // NULL has no length
			var err error
			if n, err = strconv.Atoi(digits); err != nil || n < 0 || n > len(values) {
				return errPacked
			}
		}
		if err := unpack(to, values[:n], digits == ""); err != nil {
			return err
		}
		values = values[n:]
	}
	if lengths != "" || values != "" {
		return errors.New("there are more packed columns than fields")
	}
	return nil
}

// unpack sets what to points to. A NULL becomes the zero value.
func unpack(to any, value string, null bool) (err error) {
	switch to := to.(type) {
	case *string:
		*to = value
	case *int64:
		*to, err = number(value, null)
	case *bool:
		var n int64
		n, err = number(value, null)
		*to = n != 0
	case TimeColumn:
		n, err := number(value, null)
		if err != nil {
			return err
		}
		return to.Scan(n)
	case BytesColumn:
		if null {
			return to.Scan(nil)
		}
		return to.Scan([]byte(value))
	case sql.Scanner:
		return to.Scan(value)
	default:
		return fmt.Errorf("no packed column can be a %T", to)
	}
	return err
}

// number reads a whole number; NULL is 0.
func number(value string, null bool) (int64, error) {
	if null {
		return 0, nil
	}
	return strconv.ParseInt(value, 10, 64)
}
