package mail

import (
	"context"
	"errors"

	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Sender gives a message to a server that delivers it. If an error wraps outbox.ErrPermanent,
// another try is pointless.
type Sender interface {
	Send(ctx context.Context, m *Message) error
}

// Channel sends the deliveries of one channel: mails or text messages. It implements outbox.Sender.
type Channel struct {
	Secrets   *secret.Masters
	Templates *Templates // nil stands for the built-in ones
	Sender    Sender
}

// Send opens the sealed content of a delivery, renders the message and sends it. It returns an
// error that wraps outbox.ErrPermanent if the content cannot be opened or rendered.
func (c Channel) Send(ctx context.Context, d storage.Delivery) error {
	plain, err := OpenData(c.Secrets, d)
	if err != nil {
		return errors.Join(outbox.ErrPermanent, err)
	}
	msg, err := c.Templates.render(d, plain)
	if err != nil {
		return errors.Join(outbox.ErrPermanent, err)
	}
	return c.Sender.Send(ctx, msg)
}
