package listing

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// list returns a page function for so many records, named 1 and up, and what it was asked for.
func list(n int, took time.Duration) (page func(after string) ([]string, error), asked *[]string) {
	asked = new([]string)
	return func(after string) (some []string, err error) {
		*asked = append(*asked, after)
		time.Sleep(took)
		first, _ := strconv.Atoi(after) // 0 for the first page
		for i := first + 1; i <= n && len(some) < PageSize; i++ {
			some = append(some, strconv.Itoa(i))
		}
		return some, nil
	}, asked
}

func same(id string) string { return id }

func TestAllWalksPageAfterPage(t *testing.T) {
	for n, pages := range map[int][]string{
		0: {""}, 1: {""}, PageSize - 1: {""}, PageSize: {"", "200"}, 2*PageSize + 7: {"", "200", "400"},
	} {
		page, asked := list(n, 0)
		var got []string
		for v, err := range All(page, same) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, v)
		}
		if len(got) != n || n > 0 && (got[0] != "1" || got[n-1] != strconv.Itoa(n)) {
			t.Errorf("%d records: got %d", n, len(got))
		}
		if !slices.Equal(*asked, pages) {
			t.Errorf("%d records: got the pages after %q, want %q", n, *asked, pages)
		}
	}
}

func TestAllStopsWithItsReader(t *testing.T) {
	page, asked := list(3*PageSize, 0)
	n := 0
	for range All(page, same) {
		if n++; n == PageSize+1 {
			break
		}
	}
	if len(*asked) != 2 {
		t.Errorf("got %d pages, want the two that were read", len(*asked))
	}
}

func TestAllEndsWithAnError(t *testing.T) {
	down := errors.New("down")
	page, _ := list(3*PageSize, 0)
	n := 0
	var last error
	for _, err := range All(func(after string) ([]string, error) {
		if after != "" {
			return nil, down
		}
		return page(after)
	}, same) {
		if last = err; err == nil {
			n++
		}
	}
	if n != PageSize || last != down {
		t.Errorf("got %d records and %v, want the first page and %v", n, last, down)
	}
}

func TestAllRestsAsLongAsAPageTakes(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		30 * time.Millisecond: 3*30*time.Millisecond + 2*30*time.Millisecond,
		time.Second:           3*time.Second + 2*longestPause,
	} {
		synctest.Test(t, func(t *testing.T) {
			page, _ := list(2*PageSize+1, took)
			began := time.Now()
			for range All(page, same) {
			}
			if got := time.Since(began); got != want {
				t.Errorf("pages of %v: got %v in all, want %v", took, got, want)
			}
		})
	}
}
