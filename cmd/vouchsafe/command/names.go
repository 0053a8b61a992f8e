package command

import (
	"cmp"
	"context"
	"fmt"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/storage"
)

// ReadPassword reads a password from standard input, or asks for it at the terminal. Its text is "" if there is
// neither. A script is only warned of a weak one.
func (a *App) ReadPassword(ctx context.Context, fromStdin bool) (p desk.Password, err error) {
	p.AllowWeak, p.Warn = fromStdin, func(weak error) { fmt.Fprintf(a.Err, "vouchsafe: warning: %v\n", weak) }
	switch {
	case fromStdin:
		p.Text, err = a.ReadSecret(ctx, "password")
	case a.Interactive():
		p.Text, err = a.AskTwice(ctx, "Password")
	}
	return p, err
}

// Addressed names a user for people to read.
func Addressed(u storage.User) string { return cmp.Or(u.Email, u.Username, u.Phone, u.ID) }
