package console

import "strings"

// A search reads so many entries at a time, and so many for one page: a page of a search that finds little is short,
// and the next one goes on.
const (
	searchPart = 250
	searchMost = 1500
)

// Found is Paged for a list in which the search box looks for entries: texts returns those of an entry in which it is
// looked for, without regard to case. keep, unless nil, leaves out entries by the filters, whose names list has.
func Found[T any](
	c *Call, list string, read func(after string, limit int) ([]T, error), id func(T) string,
	texts func(T) []string, keep func(T) bool,
) (items []T, next string, err error) {
	q := strings.ToLower(strings.TrimSpace(c.FormValue("q")))
	if q == "" && keep == nil {
		return Paged(c, list, read, id)
	}
	list += " q=" + q
	after := At[string](c, list)
	for left := searchMost; left > 0; left -= searchPart {
		part, err := read(after, searchPart)
		if err != nil {
			return nil, "", err
		}
		for _, one := range part {
			if found := holds(q, texts(one)) && (keep == nil || keep(one)); found && len(items) == PageSize {
				next, err = PageAfter(c, list, after)
				return items, next, err
			} else if found {
				items = append(items, one)
			}
			after = id(one)
		}
		if len(part) < searchPart {
			return items, "", nil
		}
	}
	next, err = PageAfter(c, list, after)
	return items, next, err
}

// holds reports whether one of the texts has q in it, which is in lower case.
func holds(q string, texts []string) bool {
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), q) {
			return true
		}
	}
	return false
}
