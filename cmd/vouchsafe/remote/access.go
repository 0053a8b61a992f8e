package remote

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// factors are what a user can sign in with, as the API has them.
type factors struct {
	Password         bool `json:"password"`
	PasswordExpired  bool `json:"password_expired"`
	AuthenticatorApp bool `json:"authenticator_app"`
	RecoveryCodes    bool `json:"recovery_codes"`
	Passkeys         int  `json:"passkeys"`
	TrustedDevices   int  `json:"trusted_devices"`
}

// given is a role that a user has, as the API has it.
type given struct {
	Client string `json:"client"`
	API    string `json:"api"`
	Name   string `json:"name"`
}

// Standing implements desk.Users. It asks the server once for each part.
func (d Desk) Standing(ctx context.Context, u storage.User) (st administration.Standing, err error) {
	var has factors
	if err := d.api.Get(ctx, pathOf(u.ID, "factors"), &has); err != nil {
		return st, err
	}
	st = administration.Standing{
		HasPassword: has.Password, AuthenticatorApp: has.AuthenticatorApp, RecoveryCodes: has.RecoveryCodes,
		Passkeys: has.Passkeys, TrustedDevices: has.TrustedDevices, NewPassword: has.PasswordExpired,
	}
	identities, err := d.Identities(ctx, u)
	if err != nil {
		return st, err
	}
	for _, i := range identities {
		st.Identities = append(st.Identities, i.Provider)
	}
	sessions, err := d.Sessions(ctx, u)
	if err != nil {
		return st, err
	}
	st.Sessions = len(sessions)
	var now struct {
		Status struct {
			LastSignIn   time.Time `json:"last_sign_in"`
			LastActivity time.Time `json:"last_activity"`
		} `json:"status"`
	}
	if err := d.api.Get(ctx, pathOf(u.ID), &now); err != nil {
		return st, err
	}
	st.LastSignIn, st.LastActivity = now.Status.LastSignIn, now.Status.LastActivity
	if st.Memberships, err = d.memberships(ctx, u.ID); err != nil {
		return st, err
	}
	st.Roles, err = api.Whole(ctx, d.api, pathOf(u.ID, "roles"), func(r given) storage.RoleName {
		return storage.RoleName{Client: r.Client, API: r.API, Name: r.Name}
	})
	return st, err
}

// SendReset implements desk.Access, as the other methods below do.
func (d Desk) SendReset(ctx context.Context, u storage.User) error {
	return d.api.Send(ctx, http.MethodPost, pathOf(u.ID)+":send-reset", nil, nil)
}

func (d Desk) LiftLimits(ctx context.Context, u storage.User) error {
	return d.api.Send(ctx, http.MethodPost, pathOf(u.ID)+":lift-limits", nil, nil)
}

// same returns what it is given.
func same[T any](v T) T { return v }

func (d Desk) Passkeys(ctx context.Context, u storage.User) ([]desk.Passkey, error) {
	return api.Whole(ctx, d.api, pathOf(u.ID, "passkeys"), same[desk.Passkey])
}

func (d Desk) Sessions(ctx context.Context, u storage.User) ([]desk.Session, error) {
	return api.Whole(ctx, d.api, pathOf(u.ID, "sessions"), same[desk.Session])
}

func (d Desk) Grants(ctx context.Context, u storage.User) ([]desk.Grant, error) {
	return api.Whole(ctx, d.api, pathOf(u.ID, "grants"), same[desk.Grant])
}

func (d Desk) Apps(ctx context.Context, u storage.User) ([]desk.App, error) {
	return api.Whole(ctx, d.api, pathOf(u.ID, "apps"), same[desk.App])
}

func (d Desk) Identities(ctx context.Context, u storage.User) ([]desk.Identity, error) {
	return api.Whole(ctx, d.api, pathOf(u.ID, "identities"), same[desk.Identity])
}

func (d Desk) RemoveFactors(ctx context.Context, id string) error {
	return d.api.Remove(ctx, pathOf(id, "factors"))
}

func (d Desk) RemovePasskey(ctx context.Context, id, passkey string) error {
	return d.api.Remove(ctx, pathOf(id, "passkeys", passkey))
}

func (d Desk) EndSession(ctx context.Context, id, session string) error {
	return d.api.Remove(ctx, pathOf(id, "sessions", session))
}

func (d Desk) EndSessions(ctx context.Context, id string) error {
	return d.api.Remove(ctx, pathOf(id, "sessions"))
}

func (d Desk) RevokeGrant(ctx context.Context, id, grant string) error {
	return d.api.Remove(ctx, pathOf(id, "grants", grant))
}

func (d Desk) DisconnectApp(ctx context.Context, id, client string) error {
	return d.api.Remove(ctx, pathOf(id, "apps", client))
}

func (d Desk) Unlink(ctx context.Context, id, provider, subject string) error {
	return d.api.Remove(ctx, pathOf(id, "identities", provider, subject))
}

func (d Desk) Explain(
	ctx context.Context, u storage.User, clientID string, scopes []string,
) (all []claims.Explanation, refused string, err error) {
	query := ""
	if scopes != nil {
		query = "?scope=" + url.QueryEscape(strings.Join(scopes, " "))
	}
	var out struct {
		Items   []claims.Explanation `json:"items"`
		Refused string               `json:"refused"`
	}
	err = d.api.Get(ctx, pathOf(u.ID, "claims", clientID)+query, &out)
	return out.Items, out.Refused, err
}

func (d Desk) SignInAs(
	ctx context.Context, u storage.User, _ *storage.User, reason string,
) (string, time.Time, error) {
	var made struct {
		Link      string    `json:"link"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	h, err := d.api.Do(ctx, api.Call{Method: http.MethodPost, Path: pathOf(u.ID) + ":sign-in-as", In: struct {
		Reason string `json:"reason"`
	}{reason}}, &made)
	if err == nil {
		err = lostSecret(h, made.Link, "the link isn't known here: ask for another one")
	}
	return made.Link, made.ExpiresAt, err
}

// administrator is an administrator as the API has one.
type administrator struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Username string `json:"username"`
	Role     string `json:"role"`
	Disabled bool   `json:"disabled"`
}

func (d Desk) Administrators(ctx context.Context) iter.Seq2[storage.User, error] {
	return records(api.Pages[administrator](ctx, d.api, "/administrators", nil), "", func(a administrator) storage.User {
		u := storage.User{ID: a.ID, Username: a.Username, AdminRole: a.Role, Disabled: a.Disabled}
		address.Show(&u, a.Email)
		return u
	}, func(u storage.User) string { return u.ID })
}

// AddAdministrator adds the user before it gives them the role.
func (d Desk) AddAdministrator(
	ctx context.Context, entered importing.Row, p desk.Password, role string,
) (storage.User, error) {
	u, err := d.AddUser(ctx, entered, true, p)
	if err == nil {
		err = d.SetRole(ctx, u.ID, role)
	}
	return u, err
}

func (d Desk) SetRole(ctx context.Context, id, role string) error {
	at := "/administrators" + api.Path(id)
	if role != "" {
		return d.api.Send(ctx, http.MethodPut, at, map[string]string{"role": role}, nil)
	}
	err := d.api.Remove(ctx, at)
	if missing(err) {
		err = nil // the user has no role: as wished
	}
	return err
}
