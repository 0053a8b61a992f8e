// Package listing walks long lists that storage returns page by page, slowly enough that users who
// sign in at the same time do not notice.
package listing

import (
	"iter"
	"time"
)

// PageSize is the number of records of a full page.
const PageSize = 200

// longestPause bounds the rest after a page, which may have taken long because its reader was slow.
const longestPause = 100 * time.Millisecond

// All returns an iterator over all records of a list. page returns at most PageSize records after
// the one with that id, and id returns the id of a record. All rests after each full page. An error
// of page ends the iteration.
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

// Rest sleeps for as long as has passed since began, at most 100 ms. A command that reads a million
// rows thereby leaves half of its core, and of the database, to users.
func Rest(began time.Time) { time.Sleep(min(time.Since(began), longestPause)) }
