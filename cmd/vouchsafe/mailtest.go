package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/people/address"
)

type mailTestCmd struct {
	To string `arg:"" help:"The address to send it to."`
}

// Run sends a mail at once, past the outbox, and prints the conversation. It needs no database.
func (c *mailTestCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	if cfg.SMTPURL == "" {
		return errors.New("smtp_url is not set: nothing sends mails")
	}
	to, err := address.Read(c.To)
	if err != nil {
		return fmt.Errorf("%q %w", c.To, err)
	}
	roots, err := rootCAs(cfg.ExtraCAFile)
	if err != nil {
		return err
	}
	server, err := mailServer(cfg, roots)
	if err != nil {
		return err
	}
	text := "This is a test of the mail server that " + cfg.Issuer + " sends through.\n"
	m := &mail.Message{ID: uuid.Must(uuid.NewV7()).String(), To: string(to.Recipient()), Subject: "Test mail of " + cfg.Issuer, Text: text, HTML: "<p>" + html.EscapeString(text) + "</p>"}
	if err := server.SendTelling(ctx, m, func(sent, answer string) { printStep(a.stdout, sent, answer) }); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "\nThe server took the mail to %s. If it does not arrive, look at the server's log, and at SPF and DKIM of the sender's domain.\n", c.To)
	return nil
}

// printStep prints what was sent behind >, and what the server answered behind <.
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

// plain is what a server said without what a terminal would obey.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
