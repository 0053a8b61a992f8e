package operations

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/terminal"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// MailCmd is the family of commands about emails and the mail server.
type MailCmd struct {
	Waiting mailWaitingCmd `cmd:"" help:"List messages that wait to be sent, and why the last attempt failed."`
	Dead    mailDeadCmd    `cmd:"" help:"List emails that could not be delivered, and why."`
	Retry   mailRetryCmd   `cmd:"" help:"Retry emails that could not be delivered."`
	Drop    mailDropCmd    `cmd:"" help:"Delete an email that could not be delivered."`
	Test    mailTestCmd    `cmd:"" help:"Send a test email, and show what the mail server answers."`
}

// MailView is a dead mail as commands print it: without its content, which may hold a code.
type MailView struct {
	ID        string    `json:"id"`
	To        string    `json:"to"`
	Template  string    `json:"template"`
	CreatedAt time.Time `json:"created_at"`
	DeadAt    time.Time `json:"dead_at"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"error"`
}

// mailDeadCmd lists the emails that servers have given up.
type mailDeadCmd struct {
	command.PageFlags
	command.PlaceFlags
	command.JSONFlag
}

// Run prints for each email what the mail server answered last.
func (c *mailDeadCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		view := func(m storage.Delivery) MailView {
			return MailView{m.ID, m.To, m.Template, m.CreatedAt, m.DeadAt, m.Attempts, m.LastError}
		}
		return terminal.PrintList(&a.Terminal, c.JSON, command.First(c.Limit, d.Dead(ctx, c.After)), view,
			[]string{"ID", "TO", "MAIL", "GIVEN UP", "ATTEMPTS", "WHY"}, func(v MailView) []string {
				return []string{v.ID, v.To, v.Template, terminal.Zoned(v.DeadAt), fmt.Sprint(v.Attempts), v.Error}
			})
	})
}

// waitingView is a message of the outbox as commands print it: without its content, which may hold a code.
type waitingView struct {
	ID        string    `json:"id"`
	Channel   string    `json:"channel"`
	To        string    `json:"to"`
	Template  string    `json:"template"`
	CreatedAt time.Time `json:"created_at"`
	NextAt    time.Time `json:"next_at"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"error,omitempty"`
}

// viewWaiting returns the message as commands print it.
func viewWaiting(m storage.Delivery) waitingView {
	return waitingView{m.ID, cmp.Or(m.Channel, storage.ChannelMail), m.To, m.Template, m.CreatedAt, m.NextAt, m.Attempts,
		m.LastError}
}

// mailWaitingCmd lists the messages that servers will send.
type mailWaitingCmd struct {
	command.PageFlags
	command.PlaceFlags
	command.JSONFlag
}

// Run prints the oldest first.
func (c *mailWaitingCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		return terminal.PrintList(&a.Terminal, c.JSON, command.First(c.Limit, d.Waiting(ctx, c.After)), viewWaiting,
			[]string{"ID", "TO", "MESSAGE", "WRITTEN", "NEXT TRY", "ATTEMPTS", "WHY"}, func(v waitingView) []string {
				return []string{v.ID, v.To, v.Template, terminal.Zoned(v.CreatedAt), terminal.Zoned(v.NextAt),
					fmt.Sprint(v.Attempts), v.Error}
			})
	})
}

// mailRetryCmd lets servers try again to send emails that they have given up.
type mailRetryCmd struct {
	ID  string `arg:"" optional:"" help:"The id, as shown by mail dead." complete:"mail"`
	All bool   `help:"Retry all of them, for example when the mail server works again."`
	command.PlaceFlags
	command.JSONFlag
}

// Run revives one email or all of a tenant, and prints how many. An email whose code has expired is gone, and not
// counted.
func (c *mailRetryCmd) Run(ctx context.Context, a *command.App) error {
	if (c.ID == "") != c.All {
		return command.Misused("name a mail by its id, as shown by mail dead, or pass --all")
	}
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		if c.ID != "" {
			if err := d.RetryMail(ctx, c.ID); err != nil {
				return command.NoSuch(err, "dead mail", c.ID)
			}
			return c.tell(a, 1)
		}
		bar, n := a.Progress(0), 0
		defer bar.Clear()
		for m, err := range d.Dead(ctx, "") {
			if err == nil {
				err = d.RetryMail(ctx, m.ID)
			}
			switch {
			case errors.Is(err, storage.ErrNotFound): // it has expired, or another command was quicker
			case err != nil:
				return err
			default:
				n++
				bar.Show(0, fmt.Sprintf("%d emails", n))
			}
		}
		bar.Clear()
		return c.tell(a, n)
	})
}

// tell prints how many mails will be tried again.
func (c *mailRetryCmd) tell(a *command.App, n int) error {
	if c.JSON {
		return a.PrintJSON(map[string]int{"retried": n})
	}
	return a.PrintSentence("Servers will retry %d emails of tenant %s.", n, c.Tenant)
}

// mailDropCmd deletes an email that servers have given up.
type mailDropCmd struct {
	ID string `arg:"" help:"The id, as shown by mail dead." complete:"mail"`
	command.YesFlag
	command.PlaceFlags
	command.JSONFlag
}

// Run asks first: what the email says is lost.
func (c *mailDropCmd) Run(ctx context.Context, a *command.App) error {
	return a.WithDesk(ctx, c.PlaceFlags, func(d desk.Desk) error {
		if err := a.Approve(ctx, c.YesFlag, "This deletes the email %s of tenant %s.", c.ID, c.Tenant); err != nil {
			return err
		}
		if err := d.DropMail(ctx, c.ID); err != nil {
			return command.NoSuch(err, "dead mail", c.ID)
		}
		return a.TellRemoved(c.JSON, c.Tenant, "mail", c.ID, c.ID)
	})
}

// mailTestCmd shows whether the mail server takes an email.
type mailTestCmd struct {
	To string `arg:"" help:"The email address to send it to."`
	command.PlaceFlags
	command.JSONFlag
}

// MailTestView is what the mail server answered, as JSON.
type MailTestView struct {
	To    string         `json:"to"`
	Taken bool           `json:"taken"`
	Error string         `json:"error,omitempty"`
	Steps []mailStepView `json:"steps"`
}

// mailStepView is one line that was sent, without secrets, and the answer. The first step has an answer only.
type mailStepView struct {
	Sent   string `json:"sent,omitempty"`
	Answer string `json:"answer,omitempty"`
}

// Run sends a mail at once, past the outbox, and prints the conversation. It needs no database.
func (c *mailTestCmd) Run(ctx context.Context, a *command.App) error {
	if c.Server != "" {
		return c.atServer(ctx, a)
	}
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	if cfg.SMTPURL == "" {
		return errors.New("no mail server is set: set VOUCHSAFE_SMTP_URL")
	}
	to, err := address.Read(c.To)
	if err != nil {
		return fmt.Errorf("%q %w", c.To, err)
	}
	roots, err := installation.RootCAs(cfg.ExtraCAFile)
	if err != nil {
		return err
	}
	server, err := installation.MailServer(cfg, roots)
	if err != nil {
		return err
	}
	m := installation.TestMail(cfg.Issuer, string(to.Recipient()))
	view := MailTestView{To: c.To, Steps: []mailStepView{}}
	err = server.SendTelling(ctx, m, func(sent, answer string) {
		if view.Steps = append(view.Steps, mailStepView{sent, answer}); !c.JSON {
			printStep(a.Out, sent, answer)
		}
	})
	if view.Taken = err == nil; err != nil {
		view.Error = err.Error()
	}
	return c.tell(a, view, err)
}

// atServer has the server send the mail by its mail server, and prints the conversation.
func (c *mailTestCmd) atServer(ctx context.Context, a *command.App) error {
	d, err := a.OpenRemote(c.PlaceFlags)
	if err != nil {
		return err
	}
	got, err := d.TestMail(ctx, c.To)
	if err != nil {
		return err
	}
	view := MailTestView{To: c.To, Taken: got.Accepted, Error: got.Error, Steps: []mailStepView{}}
	for _, line := range got.Log {
		var step mailStepView
		if text, sent := strings.CutPrefix(line, "> "); sent {
			step.Sent = text
		} else {
			step.Answer = strings.TrimPrefix(line, "< ")
		}
		if view.Steps = append(view.Steps, step); !c.JSON {
			printStep(a.Out, step.Sent, step.Answer)
		}
	}
	if !got.Accepted {
		err = errors.New(got.Error)
	}
	return c.tell(a, view, err)
}

// tell prints how the mail server took the mail, after the conversation.
func (c *mailTestCmd) tell(a *command.App, view MailTestView, err error) error {
	if c.JSON {
		return errors.Join(err, a.PrintJSON(view))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Out, "\nThe server took the email to %s. If it does not arrive, look at the server's log, and at "+
		"SPF and DKIM of the sender's domain.\n", c.To)
	return nil
}

// printStep prints a line with > for what was sent, and lines with < for the answer.
func printStep(w io.Writer, sent, answer string) {
	if sent != "" {
		fmt.Fprintln(w, ">", plain(sent))
	}
	coded := answer != "" && '0' <= answer[0] && answer[0] <= '9'
	for line := range strings.SplitSeq(answer, "\n") {
		switch line = plain(line); {
		case line == "":
		case coded:
			fmt.Fprintln(w, "<", line)
		default:
			fmt.Fprintln(w, line)
		}
	}
}

// plain returns what a server said without control characters, which a terminal would obey.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
