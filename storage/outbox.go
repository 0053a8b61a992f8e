package storage

import (
	"context"
	"time"
)

// Channels of a Mail.
const (
	ChannelMail = "mail"
	ChannelSMS  = "sms"
)

// Mail is a message that waits to be sent. It is written with the change that causes
// it, so that neither happens without the other.
type Mail struct {
	TenantID  string
	ID        string // UUIDv7: also the message's Message-ID, the same at every attempt
	Channel   string // ChannelMail when "", or ChannelSMS
	To        string // an address or, in E.164, a number
	Template  string
	Language  string
	Data      []byte // sealed: what the template needs, codes included
	CreatedAt time.Time
	NextAt    time.Time // when it is to be tried, or a claim of it lapses
	ExpiresAt time.Time // when it is of no use any more, such as its code's end; zero for never
	Attempts  int       // claims so far
	LastError string
	DeadAt    time.Time // zero while it may still be sent
}

// Outbox keeps mails until they are sent.
type Outbox interface {
	// Enqueue stores mails, all or none. Calls that cause a mail take it along instead.
	Enqueue(ctx context.Context, mails ...Mail) error
	// ClaimMail takes mails of all tenants that are due and have not expired, oldest first,
	// at most limit, and counts the attempt. Nobody else gets them before leaseUntil.
	ClaimMail(ctx context.Context, now, leaseUntil time.Time, limit int) ([]Mail, error)
	// ReleaseMail gives back, at once, what was claimed until then by a ClaimMail that failed
	// and yet happened. Claims are told apart by their end.
	ReleaseMail(ctx context.Context, leaseUntil, now time.Time) error
	// MailSent forgets a mail, and what was in it: also when the claim has lapsed, for it
	// is sent. No error when it is gone.
	MailSent(ctx context.Context, tenant, id string) error
	// MailFailed says when to try a claimed mail again, or with deadAt that it was in vain.
	// It changes nothing when somebody has claimed the mail since, who knows better.
	MailFailed(ctx context.Context, claimed Mail, nextAt, deadAt time.Time, why string) error
	// DeadMail lists the tenant's mails that were given up, at most limit after the id.
	DeadMail(ctx context.Context, tenant, after string, limit int) ([]Mail, error)
	// ReviveMail has a dead mail tried again. ErrNotFound when it is not there, not dead, or
	// has expired.
	ReviveMail(ctx context.Context, tenant, id string, now time.Time) error
	// CountMail is how many mails of all tenants wait, and how many are dead. Sweep forgets
	// those that expired while they waited, and those that have been dead for 30 days.
	CountMail(ctx context.Context) (queued, dead int64, err error)
}
