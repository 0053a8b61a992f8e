package users

import (
	"context"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/storage"
)

// who names a user.
type who struct {
	User string `arg:"" help:"Their id, email address or username." complete:"user"`
	command.PlaceFlags
}

// with finds the user, and calls do.
func (w *who) with(ctx context.Context, a *command.App, do func(desk.Desk, storage.User) error) error {
	return a.WithDesk(ctx, w.PlaceFlags, func(d desk.Desk) error {
		u, err := d.FindUser(ctx, w.User)
		if err != nil {
			return command.NoSuch(err, "user", w.User)
		}
		return do(d, u)
	})
}

// tell prints the user after a change as JSON, or the sentence about what was changed.
func (w *who) tell(
	ctx context.Context, a *command.App, d desk.Desk, u storage.User, asJSON bool, sentence string,
) error {
	if !asJSON {
		return a.PrintSentence(sentence, command.Addressed(u)+" in tenant "+w.Tenant)
	}
	u, err := d.User(ctx, u.ID)
	if err != nil {
		return err
	}
	return a.PrintJSON(viewUser(u))
}
