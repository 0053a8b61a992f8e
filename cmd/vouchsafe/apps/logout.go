package apps

import (
	"context"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/internal/backchannel"
	"github.com/vouchsafe/vouchsafe/storage"
)

// clientLogoutsCmd lists the ends of sessions of which a client is told.
type clientLogoutsCmd struct {
	whichClient
	State   string `enum:"waiting,delivered,dead," default:"" help:"Only those in this state: waiting, delivered or dead." placeholder:"STATE"`
	Session string `help:"Only that of the session with this id." placeholder:"ID"`
	Limit   int    `default:"100" help:"How many are printed at most." placeholder:"N"`
}

// logoutView is the end of a session as commands print it.
type logoutView struct {
	Session  string     `json:"session"`
	User     string     `json:"user"`
	State    string     `json:"state"`
	EndedAt  time.Time  `json:"ended_at"`
	Attempts int        `json:"attempts"`
	Status   int        `json:"status,omitempty"`
	Took     int64      `json:"took,omitempty"` // milliseconds
	Answer   string     `json:"answer,omitempty"`
	NextAt   *time.Time `json:"next_at,omitempty"`
	DoneAt   *time.Time `json:"done_at,omitempty"`
}

func viewLogout(l storage.Logout) logoutView {
	v := logoutView{Session: l.SessionID, User: l.UserID, State: l.State(), EndedAt: l.EndedAt, Attempts: l.Attempts,
		Status: l.Status, Took: l.Took.Milliseconds(), Answer: l.Answer}
	if !l.DoneAt.IsZero() {
		v.DoneAt = &l.DoneAt
	} else if !l.NextAt.IsZero() {
		v.NextAt = &l.NextAt
	}
	return v
}

// Run prints them while it reads them.
func (c *clientLogoutsCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		all := command.First(c.Limit, d.Logouts(ctx, c.ClientID, backchannel.Filter{State: c.State, Session: c.Session}))
		columns := []string{"SESSION", "USER", "STATE", "ENDED", "ATTEMPTS", "STATUS", "ANSWER"}
		err := terminal.PrintList(&a.Terminal, c.JSON, all, viewLogout, columns, func(v logoutView) []string {
			status := ""
			if v.Status != 0 {
				status = strconv.Itoa(v.Status)
			}
			return []string{v.Session, v.User, v.State, terminal.Zoned(v.EndedAt), strconv.Itoa(v.Attempts), status, v.Answer}
		})
		return command.NoSuch(err, "client", c.ClientID)
	})
}

// clientReplayLogoutsCmd has a client told again.
type clientReplayLogoutsCmd struct {
	whichClient
	Session string    `help:"The id of a session that has ended." placeholder:"ID" xor:"which"`
	Since   time.Time `help:"All sessions that ended since this time." placeholder:"TIME" xor:"which"`
	Until   time.Time `help:"None that ended later." placeholder:"TIME"`
}

// Run prints of how many sessions the client is told again.
func (c *clientReplayLogoutsCmd) Run(ctx context.Context, a *command.App) error {
	if (c.Session == "") == c.Since.IsZero() {
		return command.Misused("name a session with --session, or a time with --since")
	}
	if c.Until.IsZero() {
		c.Until = time.Now()
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		n, err := d.ReplayLogouts(ctx, c.ClientID, c.Session, c.Since, c.Until)
		if err != nil {
			return command.NoSuch(err, "client", c.ClientID)
		}
		if c.JSON {
			return a.PrintJSON(struct {
				Count int64 `json:"count"`
			}{n})
		}
		return a.PrintSentence("Ends of sessions of which client %s is told again: %s.", c.ClientID,
			strconv.FormatInt(n, 10))
	})
}
