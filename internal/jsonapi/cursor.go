package jsonapi

import "encoding/json"

// Sealer makes texts that only it can make and read. A secret.Box is one.
type Sealer interface {
	SealString(plain []byte) string
	OpenString(sealed string) ([]byte, error)
}

// Page is a part of a list. An operation that returns one takes the parameter after, and answers
// with the header Link as well.
type Page[T any] struct {
	Items []T    `json:"items" doc:"The entries, in the order of the list."`
	Next  string `json:"next,omitempty" doc:"The value of after for the next page. It is missing on the last one."`
}

// next returns the cursor of the next page, whatever is on the page: the header Link is made of it.
func (p Page[T]) next() string { return p.Next }

// MarshalJSON writes an empty list as [], not as null.
func (p Page[T]) MarshalJSON() ([]byte, error) {
	type plain Page[T]
	if p.Items == nil {
		p.Items = []T{}
	}
	return json.Marshal(plain(p))
}

// cursor is a place in a list.
type cursor[P any] struct {
	List string `json:"l"`
	At   P      `json:"p"`
}

// SealCursor returns an opaque cursor for the place at in a list. list names the list, its filter
// and its order: the cursor opens for no other. Only letters, digits, - and _ are in a cursor.
func SealCursor[P any](box Sealer, list string, at P) (string, error) {
	plain, err := json.Marshal(cursor[P]{list, at})
	if err != nil {
		return "", err
	}
	return box.SealString(plain), nil
}

// OpenCursor returns the place of a cursor that SealCursor made for the same list. "" is the
// beginning: the zero P. Any other text is a Problem with a fault at the parameter after.
func OpenCursor[P any](box Sealer, list, sealed string) (at P, err error) {
	if sealed == "" {
		return at, nil
	}
	var c cursor[P]
	plain, err := box.OpenString(sealed)
	if err != nil || json.Unmarshal(plain, &c) != nil || c.List != list {
		return at, Faulty(parameter("after").fault("invalid", "This isn't a cursor of this list. Start without it."))
	}
	return c.At, nil
}
