package invitations

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/attributes"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Open returns the address that an invitation is for, by the token of its link. It spends nothing. Its refusals are
// ErrGone, people.ErrSignUpClosed and people.ErrAccountExists: the bearer reads the mail of the address, and may know.
func (s *Service) Open(ctx context.Context, a people.Asker, token string) (email string, err error) {
	_, i, err := s.open(ctx, a, token)
	if err != nil {
		return "", err
	}
	to, err := address.Claim(i.content.Email)
	if err != nil {
		return "", ErrGone // an earlier release took it
	}
	return i.Email, s.unused(ctx, a.Tenant.ID, to)
}

// open returns the invitation of the token with its code. It spends nothing. Its refusals are ErrGone and
// people.ErrSignUpClosed.
func (s *Service) open(ctx context.Context, a people.Asker, token string) (storage.Code, Invitation, error) {
	if err := s.MaySignUp(a, true); err != nil {
		return storage.Code{}, Invitation{}, err
	}
	var c content
	code, err := s.TryCode(ctx, a, storage.CodeInvite, people.Proof{Token: token}, &c)
	if errors.Is(err, people.ErrWrongCode) {
		err = ErrGone
	}
	if err != nil {
		return code, Invitation{}, err
	}
	may, err := s.may(ctx, a.Tenant.ID, c.By, "users:write")
	if err == nil && !may {
		s.Note(ctx, "invitation", "the inviter may not add users any more")
		err = ErrGone
	}
	if err != nil {
		return code, Invitation{}, err
	}
	return code, shown(code, c), nil
}

// Accept makes the account of a user who was invited, and returns it. Its refusals are those of Open, and
// people.ErrAccountExists.
func (s *Service) Accept(ctx context.Context, a people.Asker, token string, in people.SignUp) (storage.User, error) {
	code, i, err := s.open(ctx, a, token)
	if err != nil {
		return storage.User{}, err
	}
	u, err := s.RegisterInvited(ctx, a, code, i.content.Email, in, func(ch *storage.Change) error {
		return s.give(ctx, a, i, ch)
	})
	if errors.Is(err, people.ErrWrongCode) {
		err = ErrGone
	}
	return u, err
}

// may reports whether an inviter may do today what the scope stands for.
func (s *Service) may(ctx context.Context, tenant, by, scope string) (bool, error) {
	switch by {
	case people.ActorCommand:
		return true, nil
	case "": // an invitation of an earlier release, which gives nothing
		return scope == "users:write", nil
	}
	var scopes []string
	u, err := s.Store.User(ctx, tenant, by)
	if err == nil && !u.Disabled {
		scopes = administration.ScopesOf(tenant, u.AdminRole)
	}
	if errors.Is(err, storage.ErrNotFound) { // no user has the id of a client
		var c storage.Client
		if c, err = s.Store.Client(ctx, tenant, by); err == nil && !c.Disabled {
			scopes = c.Scopes()
		}
	}
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return false, err
	}
	return slices.Contains(scopes, scope), nil
}

// Give adds to a change, by which a user proves an address otherwise than by the link of an invitation, what an
// invitation that waits for the address gives, and uses it up. It adds nothing if none waits, or if the inviter may not
// add users any more. An account that was there before gets no values of attributes.
func (s *Service) Give(ctx context.Context, a people.Asker, ch *storage.Change) error {
	u := cmp.Or(ch.Add, ch.Update)
	if u == nil || u.EmailKey == "" || !u.EmailVerified || len(ch.Events) == 0 {
		return nil
	}
	code, err := s.Store.CodeFor(ctx, a.Tenant.ID, storage.CodeInvite, u.EmailKey, ch.Now)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	i, err := s.opened(code)
	if err != nil {
		return err
	}
	if may, err := s.may(ctx, a.Tenant.ID, i.By, "users:write"); err != nil || !may {
		return err
	}
	ch.Invitation = i.ID
	noteFirst(ch, "invitation", i.ID)
	return s.give(ctx, a, i, ch)
}

// give adds to the change that makes the account, or proves its address, what the invitation gives, as far as there is
// such a thing now.
func (s *Service) give(ctx context.Context, a people.Asker, i Invitation, ch *storage.Change) error {
	g := giving{Change: ch, by: func(e storage.Event) storage.Event {
		e.UserID, e.Actor = ch.UserID, i.By
		return a.Event(e)
	}}
	may, err := s.may(ctx, a.Tenant.ID, i.By, "groups:write")
	if err != nil {
		return err
	}
	for _, of := range i.content.Groups {
		now, err := s.Store.Group(ctx, a.Tenant.ID, of.ID)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		g.group(of, may && err == nil && now.CreatedAt.Equal(of.Since))
	}
	for _, of := range i.content.Roles {
		now, err := s.Store.Role(ctx, a.Tenant.ID, of.RoleName)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		g.role(of, may && err == nil && now.CreatedAt.Equal(of.Since))
	}
	if err := s.giveAttributes(ctx, a, i, &g); err != nil {
		return err
	}
	if i.AdminRole != "" {
		may, err := s.may(ctx, a.Tenant.ID, i.By, "administrators:write")
		if err != nil {
			return err
		}
		g.administrator(i.AdminRole, may)
	}
	if len(g.left) > 0 {
		noteFirst(ch, "left_out", strings.Join(g.left, " "))
	}
	return nil
}

// noteFirst adds a detail to the first event of the change, which is that of the account.
func noteFirst(ch *storage.Change, name, value string) {
	detail := maps.Clone(ch.Events[0].Detail)
	if detail == nil {
		detail = map[string]string{}
	}
	detail[name], ch.Events[0].Detail = value, detail
}

// giving is what a new account is given.
type giving struct {
	*storage.Change
	by   func(storage.Event) storage.Event // completes an event that the inviter caused
	left []string                          // what is left out
}

func (g *giving) group(of group, there bool) {
	if !there {
		g.left = append(g.left, "group:"+of.ID)
		return
	}
	g.Join = append(g.Join, storage.Membership{GroupID: of.ID})
	g.Events = append(g.Events, g.by(storage.Event{
		Kind: storage.EventGroupJoined, Detail: map[string]string{"group": of.ID},
	}))
}

func (g *giving) role(of role, there bool) {
	if !there {
		g.left = append(g.left, "role:"+roleText(of.RoleName))
		return
	}
	g.GiveRoles = append(g.GiveRoles, of.RoleName)
	e := administration.AboutRole(storage.EventRoleGiven, of.RoleName, nil)
	g.Events = append(g.Events, g.by(e))
}

// administrator makes a new account that of an administrator. An account that was there before stays what it was.
func (g *giving) administrator(role string, may bool) {
	if !may || g.Add == nil {
		g.left = append(g.left, "administrator:"+role)
		return
	}
	g.Add.AdminRole = role
	g.Events = append(g.Events, g.by(storage.Event{
		Kind: storage.EventAdministratorSet, Detail: map[string]string{"role": role, "was": ""},
	}))
}

// attributes returns values of attributes after checks. None that is required has to be there: users are asked for
// what they edit, and administrators know the rest.
func (s *Service) attributes(a people.Asker, values map[string]any) (attributes.Checked, error) {
	declared := slices.Clone(a.Tenant.Settings.Attributes)
	for i := range declared {
		declared[i].Required = false
	}
	return attributes.Change(declared, nil, values)
}

// giveAttributes gives the values of attributes that are declared now, and that no other user has.
func (s *Service) giveAttributes(ctx context.Context, a people.Asker, i Invitation, g *giving) error {
	values := maps.Clone(i.Attributes)
	if g.Add == nil {
		values = nil
	}
	checked, err := s.attributes(a, values)
	for _, f := range faultsOf(err) {
		delete(values, f.Name)
	}
	if err != nil {
		if checked, err = s.attributes(a, values); err != nil {
			return err
		}
	}
	for name, value := range checked.Unique {
		_, err := s.Store.UserByUnique(ctx, a.Tenant.ID, name, value)
		if err == nil {
			delete(checked.Values, name)
			delete(checked.Unique, name)
		} else if !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(i.Attributes)) {
		if checked.Values[name] == nil {
			g.left = append(g.left, "attribute:"+name)
		}
	}
	if len(checked.Values) > 0 {
		g.Add.Attributes, g.Unique = checked.Values, checked.Unique
	}
	return nil
}

// faultsOf returns the faults of attributes that an error is.
func faultsOf(err error) attributes.Faults {
	fs, _ := errors.AsType[attributes.Faults](err)
	return fs
}
