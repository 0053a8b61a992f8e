package here

import (
	"context"
	"iter"

	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/people/invitations"
)

// inviter opens the use cases of invitations.
func (d *Desk) inviter(ctx context.Context) (invitations.Service, error) {
	useCases, err := d.People(ctx)
	return invitations.Service{Service: useCases}, err
}

// Invitation implements desk.Invitations, as the other methods below do.
func (d *Desk) Invitation(ctx context.Context, email string) (invitations.Invitation, error) {
	s, err := d.inviter(ctx)
	if err != nil {
		return invitations.Invitation{}, err
	}
	return s.FindFor(ctx, d.Asker, email)
}

func (d *Desk) Invitations(ctx context.Context, after string) iter.Seq2[invitations.Invitation, error] {
	s, err := d.inviter(ctx)
	return from(after, func(after string) ([]invitations.Invitation, error) {
		if err != nil {
			return nil, err
		}
		return s.List(ctx, d.Asker, after, listing.PageSize)
	}, invitations.Invitation.Key)
}

func (d *Desk) Invite(ctx context.Context, w invitations.Wanted, language string) (invitations.Invitation, error) {
	s, err := d.inviter(ctx)
	if err != nil {
		return invitations.Invitation{}, err
	}
	asker := d.Asker
	asker.Language = language
	return s.Invite(ctx, asker, w)
}

func (d *Desk) ResendInvitation(ctx context.Context, i invitations.Invitation) (invitations.Invitation, error) {
	s, err := d.inviter(ctx)
	if err != nil {
		return i, err
	}
	return s.Resend(ctx, d.Asker, i)
}

func (d *Desk) WithdrawInvitation(ctx context.Context, i invitations.Invitation) error {
	s, err := d.inviter(ctx)
	if err != nil {
		return err
	}
	return s.Withdraw(ctx, d.Asker, i)
}
