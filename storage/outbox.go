package storage

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// Channels of a Delivery.
const (
	ChannelMail = "mail"
	ChannelSMS  = "sms"
	// ChannelDelegated is that of webhooks to apps that deliver tokens to their users themselves.
	ChannelDelegated = "delegated"
)

// Delivery is a message that waits to be sent by a channel: a mail or a text message. It is stored with the
// change that causes it, so that neither exists without the other.
type Delivery struct {
	TenantID  string
	ID        string // UUIDv7, the same at every attempt: a mail's Message-ID
	Channel   string // ChannelMail when "", or one of the others
	To        string // an address or, in E.164, a number
	Template  string // "" for a decoy, which the worker drops
	Language  string
	Data      []byte // sealed: what the channel's sender needs, codes included
	CreatedAt time.Time
	NextAt    time.Time // when to try it next, or when a claim of it lapses
	ExpiresAt time.Time // when it is useless, for example because its code has expired; zero for never
	Attempts  int       // claims so far
	LastError string
	DeadAt    time.Time // zero while it may still be sent
}

// Outbox keeps deliveries until they are sent. A Change stores them.
type Outbox interface {
	// ClaimDeliveries takes deliveries of all tenants that are due and have not expired, oldest first, at
	// most limit, and counts the attempt. No other worker gets them before leaseUntil. It takes those of
	// the channels, or of all channels if none is named: what a replica cannot send waits for one that can.
	ClaimDeliveries(ctx context.Context, now, leaseUntil time.Time, limit int, channels ...string) ([]Delivery, error)
	// ReleaseDeliveries gives back at once what was claimed until leaseUntil, by a call that failed
	// although it had claimed them. Claims are told apart by their end.
	ReleaseDeliveries(ctx context.Context, leaseUntil, now time.Time) error
	// Delivered deletes a delivery that was sent, with its content, even if the claim has lapsed. It is no
	// error if the delivery does not exist.
	Delivered(ctx context.Context, tenant, id string) error
	// DeliveryFailed stores when to try a claimed delivery again or, with deadAt, that it is given up.
	// It changes nothing if another worker has claimed the delivery since.
	DeliveryFailed(ctx context.Context, claimed Delivery, nextAt, deadAt time.Time, why string) error
	// DeadDeliveries lists the tenant's deliveries that were given up, at most limit after the id.
	DeadDeliveries(ctx context.Context, tenant, after string, limit int) ([]Delivery, error)
	// WaitingDeliveries lists the tenant's deliveries that wait to be sent, without decoys, at most limit after the
	// id.
	WaitingDeliveries(ctx context.Context, tenant, after string, limit int) ([]Delivery, error)
	// ReviveDelivery has a dead delivery tried again, and records the events with that. ErrNotFound if
	// the delivery does not exist, is not dead, or has expired.
	ReviveDelivery(ctx context.Context, tenant, id string, now time.Time, events ...Event) error
	// DropDelivery deletes a dead delivery, and records the events with that. ErrNotFound if the delivery does not exist
	// or is not dead.
	DropDelivery(ctx context.Context, tenant, id string, events ...Event) error
	// CountDeliveries returns how many deliveries of all tenants wait, and how many are dead. Sweep
	// deletes those that expired while they waited, and those that have been dead for 30 days.
	CountDeliveries(ctx context.Context) (queued, dead int64, err error)
}

// Webhook is an address of a tenant that is told of events.
type Webhook struct {
	TenantID    string
	ID          string
	URL         string
	Description string
	// Kinds are the kinds of events that are sent. A kind that ends in ".*" stands for all that begin so. None
	// stands for all.
	Kinds    []string
	Disabled bool
	// Data is sealed: the secrets that sign what is sent.
	Data                 []byte
	CreatedAt, UpdatedAt time.Time
	FailingSince         time.Time // zero if the last attempt succeeded
}

// Wants reports whether events of the kind are sent to the webhook: events of its tenant since it was added, and none
// that only the operator may learn of.
func (w *Webhook) Wants(e Event) bool {
	k := eventKinds[e.Kind]
	if w.Disabled || k == nil || k.Audience < ToTenant || e.At.Before(w.CreatedAt) {
		return false
	}
	return KindIn(e.Kind, w.Kinds)
}

// KindIn reports whether the kind of an event is among kinds, of which "login.*" stands for all that begin so. Any is
// among none.
func KindIn(kind string, kinds []string) bool {
	for _, k := range kinds {
		if beginning, all := strings.CutSuffix(k, "*"); k == kind || all && strings.HasPrefix(kind, beginning) {
			return true
		}
	}
	return len(kinds) == 0
}

// WebhookSecretBeginning is how secrets of webhooks begin (Standard Webhooks).
const WebhookSecretBeginning = "whsec_"

// ParseWebhookSecret returns the key that a secret of a webhook stands for, and false unless it has the form of
// Standard Webhooks, with 24 to 64 bytes.
func ParseWebhookSecret(text string) (key []byte, ok bool) {
	text, ok = strings.CutPrefix(text, WebhookSecretBeginning)
	key, err := base64.StdEncoding.DecodeString(text)
	return key, ok && err == nil && len(key) >= 24 && len(key) <= 64
}

// NoSuchEvents returns the first of kinds of which a webhook cannot be told, because a tenant may not learn of events
// of the kind or there are none; "" for none. "login.*" stands for all that begin so.
func NoSuchEvents(kinds []string) string {
	for _, kind := range kinds {
		beginning, all := strings.CutSuffix(kind, ".*")
		if !slices.ContainsFunc(EventKinds, func(k EventKind) bool {
			return k.Audience >= ToTenant && (k.Kind == kind || all && strings.HasPrefix(k.Kind, beginning+"."))
		}) {
			return kind
		}
	}
	return ""
}

// FedEvent is an event with its place in the feed of its tenant.
type FedEvent struct {
	Event
	Seq int64
}

// WebhookDelivery is an event that is to be sent to a webhook, or was. It waits behind an earlier one about the same
// user.
type WebhookDelivery struct {
	TenantID, Webhook string
	Seq               int64 // the event's place in the feed
	EventID, Kind     string
	UserID            string // events about one user are sent one after the other; "" for none
	Tries
}

// MostWebhooks is how many webhooks a tenant has at most.
const MostWebhooks = 50

// Webhooks keeps webhooks, the feed of events, and what is to be sent.
type Webhooks interface {
	// AddWebhook stores a webhook. ErrNotFound: there is no such tenant.
	AddWebhook(ctx context.Context, w Webhook, events ...Event) error
	// UpdateWebhook stores all fields but CreatedAt and FailingSince. ErrStale: UpdatedAt is not was any more.
	UpdateWebhook(ctx context.Context, w Webhook, was time.Time, events ...Event) error
	// RemoveWebhook deletes a webhook with its deliveries. With many of those it begins a RemovalWebhook and carries
	// on with it as long as ctx allows. ErrNotFound if there is none.
	RemoveWebhook(ctx context.Context, tenant, id string, now time.Time, events ...Event) error
	// Webhook returns one, or ErrNotFound.
	Webhook(ctx context.Context, tenant, id string) (Webhook, error)
	// Webhooks lists those of a tenant, at most limit after the id.
	Webhooks(ctx context.Context, tenant, after string, limit int) ([]Webhook, error)
	// AllWebhooks lists those of all tenants.
	AllWebhooks(ctx context.Context) ([]Webhook, error)
	// SetFailing stores since when a webhook fails; zero: it does not.
	SetFailing(ctx context.Context, tenant, id string, since time.Time) error

	// BeginFeed begins the feed of a tenant with events since a point in time, unless it has one, and returns the place
	// behind which a reader finds all that the feed keeps. A feed that ended goes on behind a gap.
	BeginFeed(ctx context.Context, tenant string, since, now time.Time) (place int64, err error)
	// ReadFeed stores now and then that the feed is read. It returns ErrNotFound if events behind the place may be
	// lost: the feed does not keep them any more, or has ended.
	ReadFeed(ctx context.Context, tenant string, place int64, now time.Time) error
	// EndFeeds ends the feeds of tenants that have no webhook and were not read since a point in time.
	EndFeeds(ctx context.Context, since, now time.Time) error
	// Feeds returns the last place in the feed of each tenant that has one.
	Feeds(ctx context.Context) (map[string]int64, error)
	// Feed gives places to events that have none, at most limit, and stores what is to be sent of them. It looks for
	// events that are older by back than the last that it looked for: those of transactions that were open then. It
	// returns how many there were.
	Feed(ctx context.Context, tenant string, back time.Duration, now time.Time, limit int) (int, error)
	// FedEvents lists the events behind a place of the feed.
	FedEvents(ctx context.Context, tenant string, after int64, limit int) ([]FedEvent, error)

	// ClaimWebhook takes deliveries of a webhook that are due, at most limit, and counts the attempt. No other worker
	// gets them before leaseUntil, and none is taken while an earlier one about the same user waits.
	ClaimWebhook(ctx context.Context, w Webhook, now, leaseUntil time.Time, limit int) ([]WebhookDelivery, error)
	// NoteWebhook stores how an attempt of a claimed delivery ended. It changes nothing if another worker has claimed
	// the delivery since.
	NoteWebhook(ctx context.Context, d WebhookDelivery) error
	// WebhookDeliveries lists deliveries of a webhook, newest first, at most limit before a place (0 for the newest).
	WebhookDeliveries(ctx context.Context, tenant, webhook string, before int64, limit int) ([]WebhookDelivery, error)
	// ReplayWebhook has deliveries sent again that are done, of the event with the id, or if that is "" of events that
	// were fed in a period. It returns how many.
	ReplayWebhook(ctx context.Context, tenant, webhook, eventID string, since, until, now time.Time,
		events ...Event) (int64, error)
	// EventByID returns an event, or ErrNotFound.
	EventByID(ctx context.Context, tenant, id string) (Event, error)
}

// Tries is how it stands with something that is to be sent to an app.
type Tries struct {
	CreatedAt time.Time // when it began to wait; a replay sets it anew
	// NextAt is when to try it next, or when a claim of it lapses; zero while it waits behind an earlier one.
	NextAt   time.Time
	Attempts int       // claims so far
	DoneAt   time.Time // zero while it waits
	Dead     bool      // it was given up
	// Of the last attempt: the status of the answer, 0 if there was none; how long it took; and the beginning of the
	// answer, or why there was none.
	Status int
	Took   time.Duration
	Answer string
}

// States of what is to be sent to an app.
const (
	StateWaiting   = "waiting"
	StateDelivered = "delivered"
	StateDead      = "dead" // it was given up
)

// State returns one of the states.
func (t *Tries) State() string {
	switch {
	case t.DoneAt.IsZero():
		return StateWaiting
	case t.Dead:
		return StateDead
	}
	return StateDelivered
}

// Logout is the end of a session of which a client is to be told, or was (OpenID Connect Back-Channel Logout 1.0). The
// change that ends the session stores it, for each client that took part in the session and has a
// backchannel_logout_uri.
type Logout struct {
	TenantID, ClientID, SessionID, UserID string
	EndedAt                               time.Time // when the session ended
	Tries
}

// LogoutPlace is a place in the log of a client. The zero LogoutPlace is before the newest.
type LogoutPlace struct {
	EndedAt   time.Time
	SessionID string
}

// Place returns the place of the logout in the log of its client.
func (l *Logout) Place() LogoutPlace { return LogoutPlace{l.EndedAt, l.SessionID} }

// ClientOf names a client of a tenant.
type ClientOf struct{ TenantID, ClientID string }

// Logouts keeps the ends of sessions that clients are to be told of. Changes that end sessions store them, and Sweep
// does when it deletes sessions that have expired.
type Logouts interface {
	// WaitingClients lists the clients whose earliest waiting logout is due, and reports whether any client hears of
	// logouts.
	WaitingClients(ctx context.Context, now time.Time) (due []ClientOf, heard bool, err error)
	// ClaimLogout takes the client's earliest waiting logout if it is due, and counts the attempt. No other worker gets
	// it before leaseUntil, nor one behind it. ErrNotFound: none is due.
	ClaimLogout(ctx context.Context, c ClientOf, now, leaseUntil time.Time) (Logout, error)
	// NoteLogout stores how an attempt of a claimed logout ended. It changes nothing if another worker has claimed it
	// since.
	NoteLogout(ctx context.Context, l Logout) error
	// Logouts lists those of a client, newest first, at most limit behind a place.
	Logouts(ctx context.Context, c ClientOf, behind LogoutPlace, limit int) ([]Logout, error)
	// ReplayLogouts has the client told again of what is done: of the session with the id, or if that is "" of sessions
	// that ended in a period. It returns of how many, and records the events unless that is none.
	ReplayLogouts(ctx context.Context, c ClientOf, sessionID string, since, until, now time.Time, events ...Event) (int64,
		error)
}
