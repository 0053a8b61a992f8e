package parts

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// A part that a busy database did not answer is tried again, smaller; what fails again and
// again, or for another reason, is an error.
func TestPartsAreTriedAgain(t *testing.T) {
	t.Parallel()
	busy := fmt.Errorf("%w: timeout", storage.ErrUnavailable)
	other := errors.New("wrong")
	for _, c := range []struct {
		answers []error // of one part after the other; nil is done
		want    error
		rows    []int
	}{
		{[]error{busy, busy, nil}, nil, []int{200, 100, 50}},
		{[]error{busy, busy, busy, busy, nil}, nil, []int{200, 100, 50, 25, 25}},
		{[]error{busy, busy, busy, busy, busy}, busy, []int{200, 100, 50, 25, 25}},
		{[]error{other}, other, []int{200}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &Worker{Most: 2000}
			var rows []int
			err := w.InParts(t.Context(), func(n int) (more bool, held time.Duration, err error) {
				rows = append(rows, n)
				return false, 0, c.answers[len(rows)-1]
			})
			if !errors.Is(err, c.want) || !slices.Equal(rows, c.rows) {
				t.Errorf("got %v after %v, want %v after %v", err, rows, c.want, c.rows)
			}
		})
	}
}
