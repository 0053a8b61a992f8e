package storage

import (
	"context"
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
	// CountDeliveries returns how many deliveries of all tenants wait, and how many are dead. Sweep
	// deletes those that expired while they waited, and those that have been dead for 30 days.
	CountDeliveries(ctx context.Context) (queued, dead int64, err error)
}
