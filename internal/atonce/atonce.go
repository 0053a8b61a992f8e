// Package atonce does independent things at the same time, such as queries of one page.
package atonce

import (
	"errors"
	"sync"
)

// Do calls the functions at the same time, and returns all their errors when each has returned. If one panics, Do
// panics with its value: a goroutine of its own would end the program.
func Do(all ...func() error) error {
	errs, panics := make([]error, len(all)), make([]any, len(all))
	var wg sync.WaitGroup
	for i, f := range all {
		wg.Go(func() {
			defer func() { panics[i] = recover() }()
			errs[i] = f()
		})
	}
	wg.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
	return errors.Join(errs...)
}
