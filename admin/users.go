package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/diff"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// userFields are what administrators write about a user. They are named as in files of users.
type userFields struct {
	ID            string          `json:"id,omitempty" doc:"The id, which is the sub of tokens: a UUID in lower case. It never changes." example:"0198e1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"`
	ExternalID    string          `json:"external_id,omitempty" doc:"The user's id in the system that they came from. It never changes."`
	Email         string          `json:"email,omitempty" doc:"The email address. A user has one, or a username, or both." example:"jo@example.org"`
	EmailVerified bool            `json:"email_verified,omitempty" doc:"The address is confirmed to be the user's."`
	Username      string          `json:"username,omitempty" doc:"The username." example:"jo"`
	Phone         string          `json:"phone_number,omitempty" doc:"The phone number in international form." example:"+4312345678"`
	PhoneVerified bool            `json:"phone_number_verified,omitempty" doc:"The number is confirmed to be the user's."`
	Profile       storage.Profile `json:"profile,omitzero" doc:"The claims of the scopes profile and address."`
	Attributes    json.RawMessage `json:"attributes,omitempty" doc:"The values of the tenant's attributes, by name."`
	Roles         []string        `json:"roles,omitempty" items:"32" doc:"Names of roles, for apps. To change them takes the scope groups:write."`
	Disabled      bool            `json:"disabled,omitempty" doc:"The user can't sign in. All sessions end."`
}

// userStatus is what is computed about a user.
type userStatus struct {
	AdminRole    string     `json:"admin_role,omitempty" doc:"The role as an administrator: see /administrators."`
	Secured      bool       `json:"secured,omitempty" doc:"The user closed the account by the link \"This wasn't me\". A new code to the address opens it."`
	SecondFactor bool       `json:"second_factor" doc:"The user has a second factor."`
	LastSignIn   *time.Time `json:"last_sign_in,omitempty" doc:"When the user last signed in, as far as the audit trail goes."`
	LastActivity *time.Time `json:"last_activity,omitempty" doc:"When the user last used an app or a page, to the hour."`
	CreatedAt    time.Time  `json:"created_at" doc:"When the account was made."`
	UpdatedAt    time.Time  `json:"updated_at" doc:"When the account was changed last."`
}

// user is a user as the API shows one.
type user struct {
	userFields
	Status userStatus `json:"status" doc:"What is computed. It is ignored in what is sent."`
	answered
}

// answered is what an answer has in its headers.
type answered struct {
	tag  jsonapi.ETag
	made string
}

// ETag implements jsonapi.Tagged.
func (a answered) ETag() jsonapi.ETag { return a.tag }

// Location implements jsonapi.Located.
func (a answered) Location() string { return a.made }

// ignored is the part of an input that takes what was read before: computed values count for nothing.
type ignored struct {
	Status json.RawMessage `json:"status,omitempty" doc:"Ignored: what a GET answered may be sent as it is."`
}

func fieldsOf(u storage.User) userFields {
	f := userFields{
		ID: u.ID, ExternalID: u.ExternalID, Email: u.Email, EmailVerified: u.EmailVerified, Username: u.Username,
		Phone: u.Phone, PhoneVerified: u.PhoneVerified, Profile: u.Profile, Roles: u.Roles, Disabled: u.Disabled,
	}
	if raw, err := json.Marshal(u.Attributes); err == nil && len(u.Attributes) > 0 {
		f.Attributes = raw
	}
	return f
}

// attributes returns the values of attributes, by name. Those that are stored and left out are nil: they are removed.
func (f userFields) attributes(was map[string]any) map[string]any {
	values := map[string]any{}
	for name := range was {
		values[name] = nil
	}
	_ = json.Unmarshal(f.Attributes, &values) // it is an object, or empty
	return values
}

// tagOfUser returns the tag of what can be written about the user. A sign-in does not change it.
func tagOfUser(u storage.User) (jsonapi.ETag, error) {
	return jsonapi.TagOf(struct {
		userFields
		At time.Time
	}{fieldsOf(u), u.UpdatedAt.Truncate(time.Microsecond)})
}

// shownUser returns the user as the API shows one.
func shownUser(u administration.Listed) (user, error) {
	tag, err := tagOfUser(u.User)
	out := user{userFields: fieldsOf(u.User), answered: answered{tag: tag}, Status: userStatus{
		AdminRole: u.AdminRole, Secured: !u.SecuredAt.IsZero(), SecondFactor: u.Standing.SecondFactor,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}}
	if at := u.Standing.LastSignIn; !at.IsZero() {
		out.Status.LastSignIn = &at
	}
	if at := u.Standing.LastActivity; !at.IsZero() {
		out.Status.LastActivity = &at
	}
	return out, err
}

// user returns the user with the id as the API shows one.
func (s *Server) user(c *call, id string) (user, error) {
	u, err := s.Accounts.Store.User(c.Context(), c.asker.Tenant.ID, id)
	if err != nil {
		return user{}, err
	}
	return s.shown(c, u)
}

// shown returns a user who was read as the API shows one.
func (s *Server) shown(c *call, u storage.User) (user, error) {
	listed, err := s.Accounts.Show(c.Context(), u)
	if err != nil {
		return user{}, err
	}
	return shownUser(listed)
}

// ofUser is the input of an operation about one user.
type ofUser struct {
	User string `path:"user" max:"64" doc:"The user's id."`
}

func (s *Server) getUser() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/users/{user}", ID: "getUser", Scope: "users:read", Summary: "Returns a user.",
		Text: "The ETag stands for what can be written: a sign-in does not change it.",
	}, func(c *call, in ofUser) (user, error) { return s.user(c, in.User) })
}

// newUserCall is the input of POST /users.
type newUserCall struct {
	userFields
	ignored
	Password string `json:"password,omitempty" secret:"true" doc:"The password. Without one the user signs in in another way, or is sent a code to set one."`
	jsonapi.DryRun
}

func (s *Server) addUser() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/users", ID: "addUser", Scope: "users:write", Status: http.StatusCreated,
		Summary: "Adds a user.", Problems: []jsonapi.Outcome{wrongFields, taken, notJSON, tooLarge},
	}, func(c *call, in newUserCall) (user, error) {
		return s.add(c, in.userFields, in.Password, in.Dry)
	})
}

// mayGive returns an error if the roles differ, and the caller may not give roles: apps may let their users do anything
// for one.
func (c *call) mayGive(was, now []string) error {
	if slices.Equal(was, now) {
		return nil
	}
	return c.needs("groups:write")
}

// add adds a user.
func (s *Server) add(c *call, f userFields, password string, dry bool) (out user, err error) {
	if err := c.mayGive(nil, f.Roles); err != nil {
		return out, err
	}
	n, err := s.Accounts.Check(c.Context(), c.asker, f.row(), true)
	if entered, ok := errors.AsType[importing.Faults](err); ok && password != "" {
		// All that is wrong is told at once.
		p := s.problem(c.Request, entered)
		if weak := s.Accounts.CheckPassword(c.Context(), password, f.Email, f.Username, f.Profile); weak != nil {
			p.Errors = append(p.Errors, passwordFault(weak))
		}
		return out, p
	}
	if err != nil {
		return out, err
	}
	var hash []byte
	if password != "" {
		if hash, _, err = s.Accounts.NewPassword(c.Context(), n.User(), password, false); err != nil {
			return out, err
		}
	}
	if dry {
		var fields diff.Fields
		fields.AddStruct(userFields{}, fieldsOf(n.User()), "id")
		return out, jsonapi.PreviewOf(fields)
	}
	u, err := s.Accounts.Add(c.Context(), c.asker, n, hash)
	if err != nil {
		return out, err
	}
	out, err = s.shown(c, u)
	out.made = c.asker.Tenant.URL(Prefix + "/users/" + u.ID)
	return out, err
}

// row returns the fields as a row of a file of users.
func (f userFields) row() importing.Row {
	return importing.Row{
		ID: f.ID, ExternalID: f.ExternalID, Email: f.Email, EmailVerified: f.EmailVerified, Username: f.Username,
		Phone: f.Phone, PhoneVerified: f.PhoneVerified, Profile: f.Profile, Roles: f.Roles, Disabled: f.Disabled,
		Attributes: f.attributes(nil),
	}
}

// wanted returns the fields as what the user is to be.
func (f userFields) wanted(was storage.User) administration.Wanted {
	return administration.Wanted{Disabled: f.Disabled, AllowReserved: true, Edit: importing.Edit{
		Email: &f.Email, EmailVerified: &f.EmailVerified, Username: &f.Username, Phone: &f.Phone,
		PhoneVerified: &f.PhoneVerified, Profile: &f.Profile, Roles: &f.Roles,
	}, Attributes: f.attributes(was.Attributes)}
}

// putUserCall is the input of PUT /users/{user}.
type putUserCall struct {
	ofUser
	userFields
	ignored
	jsonapi.Condition
	jsonapi.DryRun
}

func (s *Server) putUser() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPut, Path: "/users/{user}", ID: "putUser", Scope: "users:write",
		Summary: "Adds the user with an id that you chose, or replaces all that can be written about the user.",
		Text: "What is left out is emptied. What a GET answered can be sent as it is, and changes nothing. Sessions go " +
			"on, unless the user is disabled.",
		Problems: []jsonapi.Outcome{wrongFields, taken, outranked, lastOwner, moved, notJSON, tooLarge},
	}, func(c *call, in putUserCall) (user, error) {
		if err := in.same(in.User); err != nil {
			return user{}, err
		}
		u, err := s.Accounts.Store.User(c.Context(), c.asker.Tenant.ID, in.User)
		if errors.Is(err, storage.ErrNotFound) {
			if err := in.Condition.Check(""); err != nil {
				return user{}, err
			}
			return s.add(c, in.userFields, "", in.Dry)
		}
		if err != nil {
			return user{}, err
		}
		return s.replace(c, u, in.userFields, in.Condition, in.Dry)
	})
}

// same returns an error unless the fields name the id of the path, or none: it fills that in.
func (f *userFields) same(id string) error {
	switch {
	case f.ID == "":
		f.ID = id
	case f.ID != id:
		return invalid(jsonapi.FieldFault("id", "invalid", "This isn't the id in the path."))
	}
	return nil
}

// replace makes a user who was read what the fields say.
func (s *Server) replace(c *call, was storage.User, f userFields, cond jsonapi.Condition, dry bool) (user, error) {
	err := cond.CheckTag(tagOfUser(was))
	if err == nil {
		err = c.mayChange(was)
	}
	if err == nil {
		err = c.mayGive(was.Roles, f.Roles)
	}
	if f.ExternalID != was.ExternalID && err == nil {
		err = invalid(jsonapi.FieldFault("external_id", "invalid", "This never changes."))
	}
	if err != nil {
		return user{}, err
	}
	if dry {
		u, err := s.Accounts.Want(c.Context(), c.asker, was, f.wanted(was))
		if err != nil {
			return user{}, err
		}
		var fields diff.Fields
		fields.AddStruct(fieldsOf(was), fieldsOf(u), "id")
		return user{}, jsonapi.PreviewOf(fields)
	}
	u, err := s.Accounts.Replace(c.Context(), c.asker, was, f.wanted(was))
	if err != nil {
		return user{}, err
	}
	return s.shown(c, u)
}

// changeUserCall is the input of operations that change a user without a body.
type changeUserCall struct {
	ofUser
	jsonapi.Condition
	jsonapi.DryRun
}

func (s *Server) patchUser() jsonapi.Route {
	read := func(c *call, in changeUserCall) (userFields, error) {
		u, err := s.Accounts.Store.User(c.Context(), c.asker.Tenant.ID, in.User)
		return fieldsOf(u), err
	}
	return handlePatch(s, jsonapi.Operation{
		Path: "/users/{user}", ID: "patchUser", Scope: "users:write", Summary: "Changes members of a user.",
		Text:     "A JSON merge patch (RFC 7396): what is left out stays, and null empties.",
		Problems: []jsonapi.Outcome{wrongFields, outranked, lastOwner, moved, notJSON, tooLarge},
	}, read, func(c *call, in changeUserCall, was, now userFields) (user, error) {
		u, err := s.Accounts.Store.User(c.Context(), c.asker.Tenant.ID, in.User)
		if err != nil {
			return user{}, err
		}
		if !equal(fieldsOf(u), was) {
			return user{}, jsonapi.ErrMoved
		}
		if err := now.same(u.ID); err != nil {
			return user{}, err
		}
		return s.replace(c, u, now, in.Condition, in.Dry)
	})
}

// equal reports whether two values are the same as JSON.
func equal(a, b any) bool {
	one, err := jsonapi.TagOf(a)
	other, err2 := jsonapi.TagOf(b)
	return err == nil && err2 == nil && one == other
}

// target returns the user that an operation changes, if the caller may.
func (s *Server) target(c *call, id string) (storage.User, error) {
	u, err := s.Accounts.Store.User(c.Context(), c.asker.Tenant.ID, id)
	if err == nil {
		err = c.mayChange(u)
	}
	return u, err
}

func (s *Server) removeUser() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/users/{user}", ID: "removeUser", Scope: "users:write",
		Summary: "Removes a user with all their data, for good.", Problems: []jsonapi.Outcome{outranked, lastOwner, moved},
	}, func(c *call, in changeUserCall) (none jsonapi.None, err error) {
		u, err := s.target(c, in.User)
		if err != nil {
			return none, err
		}
		if err := in.Condition.CheckTag(tagOfUser(u)); err != nil {
			return none, err
		}
		if in.Dry {
			var fields diff.Fields
			fields.AddStruct(fieldsOf(u), userFields{}, "")
			return none, jsonapi.PreviewOf(fields)
		}
		return none, s.Accounts.RemoveSeen(c.Context(), c.asker, u)
	})
}

func (s *Server) disableUser() jsonapi.Route {
	return s.switchUser(":disable", "disableUser", "Signs a user out everywhere, and lets them in no more.", true)
}

func (s *Server) enableUser() jsonapi.Route {
	return s.switchUser(":enable", "enableUser", "Lets a disabled user in again.", false)
}

// switchUserCall is the input of the verbs of a user.
type switchUserCall struct {
	ofUser
	jsonapi.DryRun
}

func (s *Server) switchUser(verb, id, summary string, disabled bool) jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/users/{user}" + verb, ID: id, Scope: "users:write", Summary: summary,
		Problems: []jsonapi.Outcome{outranked, lastOwner, moved},
	}, func(c *call, in switchUserCall) (user, error) {
		u, err := s.target(c, in.User)
		if err != nil {
			return user{}, err
		}
		f := fieldsOf(u)
		if f.Disabled = disabled; in.Dry {
			var fields diff.Fields
			fields.AddStruct(fieldsOf(u), f, "id")
			return user{}, jsonapi.PreviewOf(fields)
		}
		do := s.Accounts.Enable
		if disabled {
			do = s.Accounts.Disable
		}
		if err := do(c.Context(), c.asker, u.ID); err != nil {
			return user{}, err
		}
		return s.user(c, u.ID)
	})
}
