package filter

import "time"

// Column is a field of records, and where a record has its values.
type Column[T any] struct {
	Field
	Of func(T) []any
}

// Table is what a filter can ask about records of a type.
type Table[T any] []Column[T]

// Parse reads a filter on the columns. Its errors are Faults.
func (t Table[T]) Parse(text string) (Filter, error) {
	fields := make([]Field, len(t))
	for i, c := range t {
		fields[i] = c.Field
	}
	return Parse(text, fields)
}

// Match reports whether a record matches a filter that the table has read.
func (t Table[T]) Match(f Filter, record T) bool {
	return f.Match(func(field string) []any {
		for _, c := range t {
			if c.Name == field {
				return c.Of(record)
			}
		}
		return nil
	})
}

// TextColumn returns a column of a text; "" is no value. fold is as in Field.
func TextColumn[T any](name string, fold func(string) string, of func(T) string) Column[T] {
	return Column[T]{Field{Name: name, Fold: fold}, func(record T) []any { return []any{of(record)} }}
}

// TextsColumn returns a column of several texts, in which case matters.
func TextsColumn[T any](name string, of func(T) []string) Column[T] {
	return Column[T]{Field{Name: name, Fold: Exact}, func(record T) (values []any) {
		for _, one := range of(record) {
			values = append(values, one)
		}
		return values
	}}
}

// BoolColumn returns a column of what is true or false.
func BoolColumn[T any](name string, of func(T) bool) Column[T] {
	return Column[T]{Field{Name: name, Kind: Bool}, func(record T) []any { return []any{of(record)} }}
}

// TimeColumn returns a column of a time; the zero time is no value.
func TimeColumn[T any](name string, of func(T) time.Time) Column[T] {
	return Column[T]{Field{Name: name, Kind: Time}, func(record T) []any {
		if at := of(record); !at.IsZero() {
			return []any{at}
		}
		return nil
	}}
}
