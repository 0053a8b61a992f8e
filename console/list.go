package console

import (
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
)

// PageSize is how many entries a page of a list has.
const PageSize = 50

// List is what the templates "search", "filters" and "pager" need of a list. Lists have cursors, and never totals or
// numbers of pages, so that the last page costs what the first does.
type List struct {
	// Search is the page that the search box asks, as a URL, Query what it holds, and Prompt its label.
	Search, Query, Prompt string
	Button                string   // of the search box
	Kept                  []Option // parameters that a search keeps
	Filters               []Filter
	// Next and First are URLs; "" on the last and on the first page.
	Next, First string
	// Filtered says that the list may leave out entries, so that an empty one is not the first state.
	Filtered bool
}

// Filter is one that a list can be narrowed by, as a link.
type Filter struct {
	Anchor
	On bool
}

// At returns the place that the parameter after names in the list; a place of another list, or none, is the beginning.
// list names the list with its filters.
func At[P any](c *Call, list string) P {
	at, err := jsonapi.OpenCursor[P](c.cursors(), list, c.FormValue("after"))
	if err != nil {
		var first P
		return first
	}
	return at
}

// PageAfter returns the URL of the page that begins at a place of the list.
func PageAfter[P any](c *Call, list string, at P) (string, error) {
	cursor, err := jsonapi.SealCursor(c.cursors(), list, at)
	return c.with("after", cursor), err
}

// Paged returns a page of a list by ids, and the URL of the next one, or "". read returns at most limit entries after
// an id.
func Paged[T any](
	c *Call, list string, read func(after string, limit int) ([]T, error), id func(T) string,
) (items []T, next string, err error) {
	items, err = read(At[string](c, list), PageSize+1)
	if err != nil || len(items) <= PageSize {
		return items, "", err
	}
	items = items[:PageSize]
	next, err = PageAfter(c, list, id(items[PageSize-1]))
	return items, next, err
}

// with returns the URL of the page with a parameter changed, or without it for "". Another parameter than after leads
// to the beginning of the list.
func (c *Call) with(name, value string) string {
	q := c.URL.Query()
	q.Del("ui_locales")
	q.Del("after")
	q.Del(name)
	if value != "" {
		q.Set(name, value)
	}
	u := *c.URL
	u.RawQuery = q.Encode()
	return c.issuerPath() + u.RequestURI()
}

// Toggle returns a filter that sets a parameter to a value, or takes it away. The text is the id of one.
func (c *Call) Toggle(name, value, text string, args ...any) Filter {
	on := c.FormValue(name) == value
	to := value
	if on {
		to = ""
	}
	return Filter{Anchor{c.with(name, to), c.T(text, args...)}, on}
}

// First returns the URL of the first page of the list, or "" on it.
func (c *Call) First() string {
	if c.FormValue("after") == "" {
		return ""
	}
	return c.with("after", "")
}
