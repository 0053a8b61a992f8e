package mail

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Sender hands a message to a server that delivers it. An error that wraps outbox.ErrPermanent is not
// worth another try.
type Sender interface {
	Send(ctx context.Context, m *Message) error
}

// Channel sends the deliveries of one channel, mails or text messages. It implements outbox.Sender.
type Channel struct {
	Secrets   *secret.Masters
	Templates *Templates // nil is those built in
	Sender    Sender
}

// Send opens what the delivery holds, renders its message and sends it.
func (c Channel) Send(ctx context.Context, d storage.Delivery) error {
	plain, err := c.Secrets.Box(d.TenantID, secret.Mail).Open(d.Data)
	if err != nil {
		return errors.Join(outbox.ErrPermanent, err)
	}
	msg, err := c.Templates.render(d, plain)
	if err != nil {
		return errors.Join(outbox.ErrPermanent, err)
	}
	return c.Sender.Send(ctx, msg)
}
