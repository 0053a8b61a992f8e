package console

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Refusal is an error that the administrator reads, on a page of its own within the frame. Title and Text are ids of
// texts.
type Refusal struct {
	Status      int
	Title, Text string
	Args        []any // of the text
	// Back is the page that the reader may go to, as Call.To returns it; "" for the first page of the place.
	Back string
}

// Error implements error.
func (p *Refusal) Error() string { return "console: " + p.Text }

// refusals are the Refusals for errors of use cases for which no form has a place.
var refusals = []struct {
	err error
	Refusal
}{
	{storage.ErrNotFound, Refusal{
		Status: http.StatusNotFound, Title: "console.gone.title", Text: "console.gone",
	}},
	{storage.ErrStale, Refusal{
		Status: http.StatusConflict, Title: "console.stale.title", Text: "console.stale",
	}},
	{people.ErrChangedMeanwhile, Refusal{
		Status: http.StatusConflict, Title: "console.stale.title", Text: "console.stale",
	}},
	{storage.ErrLastOwner, Refusal{
		Status: http.StatusConflict, Title: "console.last_owner.title", Text: "console.last_owner",
	}},
}

// fail shows an error that the administrator can understand, and returns all others.
func (c *Call) fail(err error) error {
	if err == nil {
		return nil
	}
	var detour *ui.Detour
	if errors.As(err, &detour) {
		return err
	}
	p, ok := errors.AsType[*Refusal](err)
	if !ok {
		for _, known := range refusals {
			if errors.Is(err, known.err) {
				p = &known.Refusal
				break
			}
		}
	}
	if p == nil {
		return err
	}
	if p.Back == "" {
		back := *p
		back.Back = c.To("")
		p = &back
	}
	v := c.View(p.Title)
	v.Page = struct{ Text, Back string }{c.T(p.Text, p.Args...), p.Back}
	return c.render(p.Status, nil, "problem", v)
}
