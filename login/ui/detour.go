package ui

import (
	"errors"
	"net/http"
)

// Detour is an error of a handler that sends the browser to another page first.
type Detour struct{ To string }

// Error implements error.
func (d *Detour) Error() string { return "first to " + d.To }

// follow redirects the browser if err is a Detour. It returns every other error.
func follow(w http.ResponseWriter, r *http.Request, err error) error {
	var d *Detour
	if !errors.As(err, &d) {
		return err
	}
	http.Redirect(w, r, d.To, http.StatusSeeOther)
	return nil
}
