package remote

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/storage"
)

// wanted is an invitation that is to be made, as the API takes it.
type wanted struct {
	Email      string           `json:"email"`
	Groups     []string         `json:"groups,omitempty"`
	Roles      []given          `json:"roles,omitempty"`
	Attributes map[string]any   `json:"attributes,omitempty"`
	AdminRole  string           `json:"admin_role,omitempty"`
	Language   string           `json:"language,omitempty"`
	Lifetime   storage.Duration `json:"lifetime,omitempty"`
}

// invitation is an invitation as the API has one.
type invitation struct {
	wanted
	ID     string `json:"id"`
	Link   string `json:"link"`
	Status struct {
		InvitedBy string    `json:"invited_by"`
		SentAt    time.Time `json:"sent_at"`
		ExpiresAt time.Time `json:"expires_at"`
	} `json:"status"`
}

// record returns the invitation as commands have it.
func (i invitation) record() invitations.Invitation {
	out := invitations.Invitation{
		ID: i.ID, Email: i.Email, By: i.Status.InvitedBy, Language: i.Language, Groups: i.Groups,
		Attributes: i.Attributes, SentAt: i.Status.SentAt, ExpiresAt: i.Status.ExpiresAt, Link: i.Link,
	}
	for _, r := range i.Roles {
		out.Roles = append(out.Roles, storage.RoleName(r))
	}
	return out
}

// Invitation implements desk.Invitations, as the other methods below do.
func (d Desk) Invitation(ctx context.Context, email string) (invitations.Invitation, error) {
	var found api.Page[invitation]
	if err := d.api.Get(ctx, "/invitations?"+url.Values{"email": {email}}.Encode(), &found); err != nil {
		return invitations.Invitation{}, err
	}
	if len(found.Items) == 0 {
		return invitations.Invitation{}, storage.ErrNotFound
	}
	return found.Items[0].record(), nil
}

func (d Desk) Invitations(ctx context.Context, after string) iter.Seq2[invitations.Invitation, error] {
	return records(api.Pages[invitation](ctx, d.api, "/invitations", nil), after, invitation.record,
		func(i invitations.Invitation) string { return strings.ToLower(i.Email) })
}

func (d Desk) Invite(ctx context.Context, w invitations.Wanted, language string) (invitations.Invitation, error) {
	in := wanted{Email: w.Email, Groups: w.Groups, Attributes: w.Attributes, AdminRole: w.AdminRole, Language: language,
		Lifetime: storage.Duration(w.Life)}
	for _, r := range w.Roles {
		in.Roles = append(in.Roles, given(r))
	}
	return d.sendInvitation(ctx, "/invitations", in)
}

// sendInvitation has an invitation sent, and returns it with its link.
func (d Desk) sendInvitation(ctx context.Context, path string, in any) (invitations.Invitation, error) {
	var made invitation
	h, err := d.api.Do(ctx, api.Call{Method: http.MethodPost, Path: path, In: in}, &made)
	var p *api.Problem
	switch {
	case err == nil:
		err = lostSecret(h, made.Link, "the invitation is sent, but its link isn't known here: send it again for another one")
	case errors.As(err, &p) && p.Code == "sign_up_closed":
		err = people.ErrSignUpClosed
	case errors.As(err, &p) && p.Code == "exists":
		err = people.ErrAccountExists
	}
	return made.record(), err
}

func (d Desk) ResendInvitation(ctx context.Context, i invitations.Invitation) (invitations.Invitation, error) {
	return d.sendInvitation(ctx, "/invitations"+api.Path(i.ID)+":resend", nil)
}

func (d Desk) WithdrawInvitation(ctx context.Context, i invitations.Invitation) error {
	return d.api.Remove(ctx, "/invitations"+api.Path(i.ID))
}
