package invitations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Wanted is what an inviter enters.
type Wanted struct {
	Email      string
	Groups     []string // ids
	Roles      []storage.RoleName
	Attributes map[string]any
	Life       time.Duration // 0 is DefaultLife
	// AdminRole is the role of the administrator that the user becomes, "" for none. The inviter may give it: that is for
	// the caller to find out now, and is checked again when the invitation is accepted.
	AdminRole string
}

// Invite invites the owner of an e-mail address to sign up, by a mail with the link in the asker's language. It
// takes the place of an invitation that waits for the address. All that is wrong with what was entered is one error
// of type importing.Faults. Its refusals are people.ErrSignUpClosed and people.ErrAccountExists.
func (s *Service) Invite(ctx context.Context, a people.Asker, w Wanted) (Invitation, error) {
	if err := s.MaySignUp(a, true); err != nil {
		return Invitation{}, err
	}
	to, c, err := s.check(ctx, a, w)
	if err != nil {
		return Invitation{}, err
	}
	if err := s.unused(ctx, a.Tenant.ID, to); err != nil {
		return Invitation{}, err
	}
	return s.send(ctx, a, to, c, "")
}

// Resend sends an invitation once more: the former link does nothing any more, and it can be accepted for as long as
// at first. The asker is the inviter from now on. storage.ErrNotFound: it was accepted, sent again,
// replaced or withdrawn meanwhile. Its refusals are those of Invite.
func (s *Service) Resend(ctx context.Context, a people.Asker, i Invitation) (Invitation, error) {
	if err := s.MaySignUp(a, true); err != nil {
		return Invitation{}, err
	}
	to, err := address.Claim(i.content.Email)
	if err != nil {
		return Invitation{}, fmt.Errorf("address of invitation: %w", err)
	}
	if err := s.unused(ctx, a.Tenant.ID, to); err != nil {
		return Invitation{}, err
	}
	if i.Language != "" {
		a.Language = i.Language
	}
	return s.send(ctx, a, to, i.content, i.ID)
}

// unused returns people.ErrAccountExists if an account has the address.
func (s *Service) unused(ctx context.Context, tenant string, to address.Claimed) error {
	_, err := s.Store.UserByEmail(ctx, tenant, to.Key())
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = people.ErrAccountExists
	}
	return err
}

// send stores an invitation by the asker with its mail, in the place of the one with the id, unless that is "".
func (s *Service) send(
	ctx context.Context, a people.Asker, to address.Claimed, c content, id string,
) (Invitation, error) {
	c.By, c.Language = a.Actor, a.Language
	code, err := s.NewCode(a, storage.CodeInvite, to.Key(), "", c, c.Life)
	if err != nil {
		return Invitation{}, err
	}
	if id != "" { // it stays the same invitation
		code.ID, code.Token = id, id+strings.TrimPrefix(code.Token, code.ID)
	}
	link := a.Tenant.URL("/signup?invitation=" + code.Token)
	m, err := s.Compose(a, to.Recipient(), "invitation", map[string]string{"Link": link})
	if err != nil {
		return Invitation{}, err
	}
	err = s.Store.Apply(ctx, storage.Change{
		TenantID: a.Tenant.ID, Now: code.CreatedAt, Code: id, Codes: []storage.Code{code.Code},
		Deliveries: []storage.Delivery{m}, Events: []storage.Event{invited(a, to, c)},
	})
	if errors.Is(err, storage.ErrStale) {
		return Invitation{}, fmt.Errorf("send invitation again: %w", storage.ErrNotFound)
	}
	if err != nil {
		return Invitation{}, err
	}
	s.Mail.Stored()
	i := shown(code.Code, c)
	i.Link = link
	return i, nil
}

// invited returns the event of an invitation.
func invited(a people.Asker, to address.Claimed, c content) storage.Event {
	detail := map[string]string{"email": to.Key()}
	var groups, roles []string
	for _, g := range c.Groups {
		groups = append(groups, g.ID)
	}
	for _, r := range c.Roles {
		roles = append(roles, roleText(r.RoleName))
	}
	for name, all := range map[string][]string{"groups": groups, "roles": roles} {
		if len(all) > 0 {
			detail[name] = strings.Join(all, " ")
		}
	}
	return a.Event(storage.Event{Kind: storage.EventUserInvited, Detail: detail})
}

// roleText names a role as commands do.
func roleText(r storage.RoleName) string { return r.Client + r.API + "#" + r.Name }
