package remote

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// user is a user as the API has one.
type user struct {
	importing.Row
	Status userStatus `json:"status"`
}

// userStatus is what the server computes about a user.
type userStatus struct {
	AdminRole    string    `json:"admin_role"`
	SecondFactor bool      `json:"second_factor"`
	LastSignIn   time.Time `json:"last_sign_in"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
}

// record returns the user as it is stored.
func (u user) record() storage.User {
	out := storage.User{
		ID: u.ID, ExternalID: u.ExternalID, EmailVerified: u.EmailVerified, Username: u.Username,
		Phone: u.Phone, PhoneVerified: u.PhoneVerified, Profile: u.Profile, Attributes: u.Attributes, Roles: u.Roles,
		Disabled: u.Disabled, AdminRole: u.Status.AdminRole, CreatedAt: u.Status.CreatedAt, UpdatedAt: u.Status.UpdatedAt,
	}
	address.Show(&out, u.Email)
	return out
}

// listed returns the user as lists have it.
func (u user) listed() administration.Listed {
	return administration.Listed{User: u.record(), Standing: storage.Standing{
		SecondFactor: u.Status.SecondFactor, LastSignIn: u.Status.LastSignIn,
	}}
}

// pathOf returns the path of a user, or of what belongs to one.
func pathOf(id string, more ...string) string {
	return "/users" + api.Path(append([]string{id}, more...)...)
}

// FindUser implements desk.Users, as the other methods below do.
func (d Desk) FindUser(ctx context.Context, name string) (storage.User, error) {
	if _, err := uuid.Parse(name); err == nil {
		return d.User(ctx, name)
	}
	by := "username"
	if _, err := address.Read(name); err == nil {
		by = "email"
	}
	var found api.Page[user]
	err := d.api.Get(ctx, "/users?"+url.Values{by: {name}}.Encode(), &found)
	if err == nil && len(found.Items) == 0 && pairwise.Looks(name) {
		err = d.api.Get(ctx, "/users?"+url.Values{"q": {name}}.Encode(), &found)
	}
	if err != nil {
		return storage.User{}, err
	}
	if len(found.Items) == 0 {
		return storage.User{}, storage.ErrNotFound
	}
	return found.Items[0].record(), nil
}

func (d Desk) User(ctx context.Context, id string) (storage.User, error) {
	var u user
	err := d.api.Get(ctx, pathOf(id), &u)
	return u.record(), err
}

func (d Desk) Users(ctx context.Context, after string) iter.Seq2[administration.Listed, error] {
	return records(api.Pages[user](ctx, d.api, "/users", nil), after, user.listed,
		func(u administration.Listed) string { return u.ID })
}

func (d Desk) SearchUsers(ctx context.Context, text, filter string) iter.Seq2[administration.Listed, error] {
	query := url.Values{}
	for name, value := range map[string]string{"q": text, "filter": filter} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return records(api.Pages[user](ctx, d.api, "/users", query), "", user.listed,
		func(u administration.Listed) string { return u.ID })
}

func (d Desk) CheckUser(ctx context.Context, entered importing.Row, _ bool) error {
	return d.api.Send(ctx, http.MethodPost, dry("/users"), entered, nil)
}

func (d Desk) AddUser(
	ctx context.Context, entered importing.Row, _ bool, p desk.Password,
) (storage.User, error) {
	var added user
	err := d.api.Send(ctx, http.MethodPost, "/users", struct {
		importing.Row
		Password string `json:"password,omitempty"`
	}{entered, p.Text}, &added)
	return added.record(), err
}

func (d Desk) SetPassword(ctx context.Context, u storage.User, p desk.Password) error {
	return d.api.Send(ctx, http.MethodPut, pathOf(u.ID, "password"), map[string]string{"password": p.Text}, nil)
}

func (d Desk) EnableUser(ctx context.Context, id string) error {
	return d.api.Send(ctx, http.MethodPost, pathOf(id)+":enable", nil, nil)
}

func (d Desk) DisableUser(ctx context.Context, id string) error {
	return d.api.Send(ctx, http.MethodPost, pathOf(id)+":disable", nil, nil)
}

func (d Desk) RemoveUser(ctx context.Context, id string) error { return d.api.Remove(ctx, pathOf(id)) }
