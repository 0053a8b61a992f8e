// Package listing walks long lists that storage gives page by page, slowly enough that users who sign
// in meanwhile do not notice.
package listing

import (
	"iter"
	"time"
)

// PageSize is how many records a page has.
const PageSize = 200

// longestPause bounds the rest after a page: its reader may have been slow.
const longestPause = 100 * time.Millisecond

// All walks all records of a list. page returns the records after an id, at most PageSize. All rests
// after each page.
func All[T any](page func(after string) ([]T, error), id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after := ""; ; {
			began := time.Now()
			some, err := page(after)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range some {
				if !yield(v, nil) {
					return
				}
				after = id(v)
			}
			if len(some) < PageSize {
				return
			}
			Rest(began)
		}
	}
}

// Rest waits for as long as the page took that was begun then, with all that was done with it. So a
// command that reads a million rows leaves half of its core, and of the database, to users.
func Rest(began time.Time) { time.Sleep(min(time.Since(began), longestPause)) }
