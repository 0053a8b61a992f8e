package remote

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// times are when something was added and changed, as the API has them.
type times struct {
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// group is a group as the API has one.
type group struct {
	ID     string `json:"id"`
	Title  string `json:"title,omitempty"`
	Status times  `json:"status"`
}

func (g group) record() storage.Group {
	return storage.Group{ID: g.ID, Title: g.Title, CreatedAt: g.Status.CreatedAt, UpdatedAt: g.Status.UpdatedAt}
}

// Group implements desk.Groups, as the other methods below do.
func (d Desk) Group(ctx context.Context, id string) (storage.Group, error) {
	var g group
	err := d.api.Get(ctx, "/groups"+api.Path(id), &g)
	return g.record(), err
}

func (d Desk) Groups(ctx context.Context, after string) iter.Seq2[storage.Group, error] {
	return records(api.Pages[group](ctx, d.api, "/groups", nil), after, group.record,
		func(g storage.Group) string { return g.ID })
}

func (d Desk) AddGroup(ctx context.Context, id, title string) (storage.Group, error) {
	var g group
	err := d.api.Send(ctx, http.MethodPost, "/groups", map[string]string{"id": id, "title": title}, &g)
	return g.record(), err
}

func (d Desk) RenameGroup(ctx context.Context, id, title string) (storage.Group, error) {
	if g, err := d.Group(ctx, id); err != nil {
		return g, err // a PUT would add it
	}
	var g group
	err := d.api.Send(ctx, http.MethodPut, "/groups"+api.Path(id), map[string]string{"title": title}, &g)
	return g.record(), err
}

func (d Desk) RemoveGroup(ctx context.Context, id string) error {
	return d.api.Remove(ctx, "/groups"+api.Path(id))
}

func (d Desk) Members(ctx context.Context, id, after string) iter.Seq2[storage.User, error] {
	type member struct {
		ID       string `json:"id"`
		Email    string `json:"email"`
		Username string `json:"username"`
	}
	all := api.Pages[member](ctx, d.api, "/groups"+api.Path(id, "members"), nil)
	return records(all, after, func(m member) storage.User {
		u := storage.User{ID: m.ID, Username: m.Username}
		address.Show(&u, m.Email)
		return u
	}, func(u storage.User) string { return u.ID })
}

// memberships returns the groups of a user.
func (d Desk) memberships(ctx context.Context, id string) ([]storage.Membership, error) {
	type membership struct {
		Group    string    `json:"group"`
		Upstream string    `json:"upstream"`
		Since    time.Time `json:"since"`
	}
	return api.Whole(ctx, d.api, pathOf(id, "groups"), func(m membership) storage.Membership {
		return storage.Membership{GroupID: m.Group, Upstream: m.Upstream, Since: m.Since}
	})
}

func (d Desk) Join(ctx context.Context, user, group string) (bool, error) {
	all, err := d.memberships(ctx, user)
	if err != nil {
		return false, err
	}
	was := slices.ContainsFunc(all, func(m storage.Membership) bool { return m.GroupID == group && m.Upstream == "" })
	return !was, d.api.Send(ctx, http.MethodPut, "/groups"+api.Path(group, "members", user), nil, nil)
}

func (d Desk) Leave(ctx context.Context, user, group string) (bool, error) {
	err := d.api.Remove(ctx, "/groups"+api.Path(group, "members", user))
	if !missing(err) {
		return err == nil, err
	}
	_, err = d.Group(ctx, group)
	return false, err
}

// role is a role as the API has one.
type role struct {
	Name   string `json:"name"`
	Title  string `json:"title,omitempty"`
	Status times  `json:"status"`
}

// of returns the role as a role of the client or the API.
func (r role) of(owner storage.RoleName) storage.Role {
	owner.Name = r.Name
	return storage.Role{RoleName: owner, Title: r.Title, CreatedAt: r.Status.CreatedAt, UpdatedAt: r.Status.UpdatedAt}
}

// rolesOf returns the path of the roles of the client or the API that the name has.
func rolesOf(r storage.RoleName, more ...string) string {
	if r.API != "" {
		return "/apis" + api.Path(append([]string{r.API, "roles"}, more...)...)
	}
	return "/clients" + api.Path(append([]string{r.Client, "roles"}, more...)...)
}

// Role implements desk.Roles, as the other methods below do.
func (d Desk) Role(ctx context.Context, r storage.RoleName) (storage.Role, error) {
	var found role
	err := d.api.Get(ctx, rolesOf(r, r.Name), &found)
	return found.of(r), err
}

func (d Desk) Roles(ctx context.Context, owner storage.RoleName, after string) iter.Seq2[storage.Role, error] {
	return records(api.Pages[role](ctx, d.api, rolesOf(owner), url.Values{}), after,
		func(r role) storage.Role { return r.of(owner) }, func(r storage.Role) string { return r.Name })
}

func (d Desk) AddRole(ctx context.Context, r storage.RoleName, title string) (storage.Role, error) {
	_, err := d.Role(ctx, r)
	switch {
	case err == nil:
		return storage.Role{}, storage.ErrExists
	case !missing(err):
		return storage.Role{}, err
	}
	return d.putRole(ctx, r, title)
}

func (d Desk) RenameRole(ctx context.Context, r storage.RoleName, title string) (storage.Role, error) {
	if was, err := d.Role(ctx, r); err != nil {
		return was, err
	}
	return d.putRole(ctx, r, title)
}

// putRole adds a role, or gives it another title.
func (d Desk) putRole(ctx context.Context, r storage.RoleName, title string) (storage.Role, error) {
	var put role
	err := d.api.Send(ctx, http.MethodPut, rolesOf(r, r.Name), map[string]string{"title": title}, &put)
	return put.of(r), err
}

func (d Desk) RemoveRole(ctx context.Context, r storage.RoleName) error {
	return d.api.Remove(ctx, rolesOf(r, r.Name))
}

// holderOf returns the path of what has, or is to have, a role.
func holderOf(r storage.RoleName, h storage.RoleHolder) string {
	switch {
	case h.Group != "":
		return rolesOf(r, r.Name, "groups", h.Group)
	case h.Client != "":
		return rolesOf(r, r.Name, "services", h.Client)
	}
	return rolesOf(r, r.Name, "users", h.User)
}

func (d Desk) GiveRole(ctx context.Context, r storage.RoleName, to storage.RoleHolder) error {
	return d.api.Send(ctx, http.MethodPut, holderOf(r, to), nil, nil)
}

func (d Desk) TakeRole(ctx context.Context, r storage.RoleName, from storage.RoleHolder) error {
	return d.api.Remove(ctx, holderOf(r, from))
}

func (d Desk) Holders(ctx context.Context, r storage.RoleName) iter.Seq2[storage.RoleHolder, error] {
	type holder struct {
		ID string `json:"id"`
	}
	return func(yield func(storage.RoleHolder, error) bool) {
		for _, kind := range []struct {
			path string
			of   func(id string) storage.RoleHolder
		}{
			{"groups", func(id string) storage.RoleHolder { return storage.RoleHolder{Group: id} }},
			{"services", func(id string) storage.RoleHolder { return storage.RoleHolder{Client: id} }},
			{"users", func(id string) storage.RoleHolder { return storage.RoleHolder{User: id} }},
		} {
			for h, err := range api.Pages[holder](ctx, d.api, rolesOf(r, r.Name, kind.path), nil) {
				if !yield(kind.of(h.ID), err) {
					return
				}
			}
		}
	}
}
