package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/devpage"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/login/mail"
	"github.com/vouchsafe/vouchsafe/storage"
)

type mailCmd struct {
	Dead  mailDeadCmd  `cmd:"" help:"List the mails that could not be delivered, and why."`
	Retry mailRetryCmd `cmd:"" help:"Retry mails that could not be delivered."`
	Test  mailTestCmd  `cmd:"" help:"Send a test mail, and show what the mail server answers."`
}

// mailView is a dead mail without what was in it: that may hold a code.
type mailView struct {
	ID        string    `json:"id"`
	To        string    `json:"to"`
	Template  string    `json:"template"`
	CreatedAt time.Time `json:"created_at"`
	DeadAt    time.Time `json:"dead_at"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"error"`
}

type mailDeadCmd struct {
	pageFlags
	tenantFlag
	jsonFlag
}

func (c *mailDeadCmd) Run(ctx context.Context, a *app) error {
	return a.withStore(ctx, func(s store) error {
		if err := hasTenant(ctx, s, c.Tenant); err != nil {
			return err
		}
		view := func(m storage.Delivery) mailView {
			return mailView{m.ID, m.To, m.Template, m.CreatedAt, m.DeadAt, m.Attempts, m.LastError}
		}
		all := some(c.pageFlags, func(after string) ([]storage.Delivery, error) {
			return s.DeadDeliveries(ctx, c.Tenant, after, listing.PageSize)
		},
			func(m storage.Delivery) string { return m.ID })
		return printList(a, c.JSON, all, view, []string{"ID", "TO", "MAIL", "GIVEN UP", "ATTEMPTS", "WHY"}, func(v mailView) []string {
			return []string{v.ID, v.To, v.Template, zoned(v.DeadAt), fmt.Sprint(v.Attempts), v.Error}
		})
	})
}

func deadMail(ctx context.Context, s store, tenant string) iter.Seq2[storage.Delivery, error] {
	return listing.All(func(after string) ([]storage.Delivery, error) {
		return s.DeadDeliveries(ctx, tenant, after, listing.PageSize)
	},
		func(m storage.Delivery) string { return m.ID })
}

type mailRetryCmd struct {
	ID  string `arg:"" optional:"" help:"Its id, as shown by mail dead."`
	All bool   `help:"Retry all of them, for example when the mail server works again."`
	tenantFlag
}

func (c *mailRetryCmd) Run(ctx context.Context, a *app) error {
	if (c.ID == "") != c.All {
		return errors.New("say which: an id, as mail dead has it, or --all")
	}
	return a.withStore(ctx, func(s store) error {
		if c.ID != "" {
			if err := s.ReviveDelivery(ctx, c.Tenant, c.ID, time.Now()); err != nil {
				return noSuch(err, "dead mail", c.ID)
			}
			return record(ctx, s, storage.Event{TenantID: c.Tenant, Kind: storage.EventMailRetried, Detail: map[string]string{"mail": c.ID}})
		}
		if err := hasTenant(ctx, s, c.Tenant); err != nil {
			return err
		}
		n := 0
		for m, err := range deadMail(ctx, s, c.Tenant) {
			if err == nil {
				err = s.ReviveDelivery(ctx, c.Tenant, m.ID, time.Now())
			}
			switch {
			case errors.Is(err, storage.ErrNotFound): // what it holds has expired, or somebody was quicker
			case err != nil:
				return err
			default:
				n++
			}
		}
		fmt.Fprintf(a.stdout, "%d to be tried again\n", n)
		return record(ctx, s, storage.Event{TenantID: c.Tenant, Kind: storage.EventMailRetried, Detail: map[string]string{"mails": fmt.Sprint(n)}})
	})
}

// wireMail makes what composes messages, and what sends them: through the server or the
// webhook that is set, or on a developer's machine into the mailbox of the developer page.
// With neither nothing sends them.
func (s *server) wireMail(limits *limit.Limiter) (*mail.Mailer, error) {
	templates, err := mail.LoadTemplates(s.cfg.MailTemplates)
	if err != nil {
		return nil, err
	}
	roots, err := rootCAs(s.cfg.ExtraCAFile)
	if err != nil {
		return nil, err
	}
	mails, texts, err := s.messageSenders(roots, limits)
	if err != nil {
		return nil, err
	}
	w := &outbox.Worker{
		Store: s.store, Log: s.log, Sent: s.metrics.mailSent, Failed: s.metrics.mailFailed, Senders: map[string]outbox.Sender{},
	}
	for channel, sender := range map[string]mail.Sender{storage.ChannelMail: mails, storage.ChannelSMS: texts} {
		if sender != nil {
			w.Senders[channel] = mail.Channel{Secrets: s.secrets, Templates: templates, Sender: sender}
		}
	}
	mailer := &mail.Mailer{Secrets: s.secrets, Templates: templates, Texts: texts != nil, NoMails: mails == nil}
	if len(w.Senders) > 0 {
		s.outbox, mailer.Wake = w, w.Wake
	}
	return mailer, nil
}

// messageSenders returns what sends mails and text messages; nil where nothing does.
func (s *server) messageSenders(roots *x509.CertPool, limits *limit.Limiter) (mails, texts mail.Sender, err error) {
	if s.cfg.HasPlayground() && (s.cfg.SMTPURL == "" || s.cfg.SMSURL == "") {
		s.mailbox = &devpage.Mailbox{}
		mails, texts = devSender{s.mailbox}, devSender{s.mailbox}
	}
	if s.cfg.SMTPURL != "" {
		if mails, err = mailServer(s.cfg, roots); err != nil {
			return nil, nil, err
		}
	}
	if s.cfg.SMSURL != "" {
		hook, err := mail.NewWebhook(string(s.cfg.SMSURL), string(s.cfg.SMSSecret), operatorsClient(roots))
		if err != nil {
			return nil, nil, err
		}
		texts = bounded{hook, limits, limit.Rule{Name: "sms", Max: int64(s.cfg.SMSPerHour), Window: time.Hour}}
	}
	return mails, texts, nil
}

// bounded sends no more than a rule allows, over all replicas.
type bounded struct {
	mail.Sender
	limits *limit.Limiter
	rule   limit.Rule
}

// Send implements mail.Sender.
func (b bounded) Send(ctx context.Context, m *mail.Message) error {
	if _, ok := b.limits.Allow(ctx, storage.DefaultTenant, b.rule, "all"); !ok {
		return errors.New("sms_per_hour text messages were sent in the last hour")
	}
	return b.Sender.Send(ctx, m)
}

// devSender delivers to the developer page.
type devSender struct{ box *devpage.Mailbox }

// Send implements mail.Sender.
func (d devSender) Send(_ context.Context, m *mail.Message) error {
	d.box.Add(devpage.Letter{ID: m.ID, To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, At: time.Now()})
	return nil
}
