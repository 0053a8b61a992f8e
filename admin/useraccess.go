package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// whole is a list that is answered in one piece, because it is short.
type whole[T any] struct {
	Items []T `json:"items" doc:"All entries."`
}

// wholeOf returns a list with each of the records as it is shown.
func wholeOf[R, T any](records []R, show func(R) T) whole[T] {
	all := whole[T]{Items: []T{}}
	for _, r := range records {
		all.Items = append(all.Items, show(r))
	}
	return all
}

// aboutUser returns the route of an operation that reads something of a user.
func aboutUser[Out any](
	s *Server, op jsonapi.Operation, read func(c *call, u storage.User) (Out, error),
) jsonapi.Route {
	op.Method, op.Scope = http.MethodGet, "users:read"
	return handle(s, op, func(c *call, in ofUser) (out Out, err error) {
		u, err := s.Accounts.Store.User(c.Context(), c.asker.Tenant.ID, in.User)
		if err != nil {
			return out, err
		}
		return read(c, u)
	})
}

// named is the input of an operation about one user. userID returns the id.
type named interface{ userID() string }

func (in ofUser) userID() string { return in.User }

// onUser returns the route of an operation that changes something of a user, if the caller may.
func onUser[In named](s *Server, op jsonapi.Operation, do func(c *call, u storage.User, in In) error) jsonapi.Route {
	op.Scope, op.Problems = "users:write", append(op.Problems, outranked, moved)
	return handle(s, op, func(c *call, in In) (none jsonapi.None, err error) {
		u, err := s.target(c, in.userID())
		if err != nil {
			return none, err
		}
		return none, do(c, u, in)
	})
}

// setPasswordCall is the input of PUT /users/{user}/password.
type setPasswordCall struct {
	ofUser
	Password string `json:"password" need:"true" secret:"true" doc:"The new password."`
}

func (s *Server) setPassword() jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodPut, Path: "/users/{user}/password", ID: "setPassword",
		Summary:  "Sets a user's password, and signs them out everywhere.",
		Problems: []jsonapi.Outcome{wrongFields, notJSON, tooLarge},
	}, func(c *call, u storage.User, in setPasswordCall) error {
		hash, _, err := s.Accounts.NewPassword(c.Context(), u, in.Password, false)
		if err != nil {
			return err
		}
		return s.Accounts.SetPassword(c.Context(), c.asker, u.ID, hash)
	})
}

func (s *Server) expirePassword() jsonapi.Route {
	return s.switchExpiry(":expire-password", "expirePassword",
		"Has a user choose a new password at the next sign-in by password.", true)
}

func (s *Server) keepPassword() jsonapi.Route {
	return s.switchExpiry(":keep-password", "keepPassword", "Lets a user keep a password that was to be changed.", false)
}

// switchExpiry returns the route that says whether a user's password has to be changed.
func (s *Server) switchExpiry(verb, id, summary string, expired bool) jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/users/{user}" + verb, ID: id, Status: http.StatusNoContent, Summary: summary,
		Problems: []jsonapi.Outcome{wrongFields},
	}, func(c *call, u storage.User, _ ofUser) error {
		_, _, err := s.Accounts.Edit(c.Context(), c.asker, u.ID, administration.Edit{NewPassword: &expired}, true)
		return err
	})
}

// givenRole is a role that a user was given.
type givenRole struct {
	Client string `json:"client,omitempty" doc:"The client that the role belongs to."`
	API    string `json:"api,omitempty" doc:"The API that the role belongs to."`
	Name   string `json:"name" doc:"The role's name."`
}

func (s *Server) listRolesOfUser() jsonapi.Route {
	return aboutUser(s, jsonapi.Operation{
		Path: "/users/{user}/roles", ID: "listRolesOfUser", Summary: "Lists the roles that a user was given.",
		Text: "Those that the user has as a member of a group are not among them.",
	}, func(c *call, u storage.User) (whole[givenRole], error) {
		all, err := s.Accounts.Store.RolesGiven(c.Context(), u.TenantID, storage.RoleHolder{User: u.ID})
		return wholeOf(all, func(r storage.RoleName) givenRole { return givenRole{r.Client, r.API, r.Name} }), err
	})
}

func (s *Server) liftLimits() jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/users/{user}:lift-limits", ID: "liftLimits", Status: http.StatusNoContent,
		Summary: "Lifts the limits that keep a user from signing in after too many attempts.",
		Text: "Attempts at the account are forgotten, from whichever browser they came. Limits of a network stay. The " +
			"limits of one user can be lifted five times in an hour.",
	}, func(c *call, u storage.User, _ ofUser) error { return s.People.LiftLimits(c.Context(), c.asker, u) })
}

func (s *Server) sendReset() jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/users/{user}:send-reset", ID: "sendReset", Status: http.StatusNoContent,
		Summary: "Sends a user the email with which they set a new password.",
		Text:    "A mailbox gets a few such emails in an hour: beyond that, none is sent.",
		Problems: []jsonapi.Outcome{
			{Status: http.StatusConflict, Code: "no_address", When: "the user has no address, or is disabled."},
			{Status: http.StatusConflict, Code: "not_offered", When: "users of the tenant don't use passwords, or the " +
				"server sends no email."},
		},
	}, func(c *call, u storage.User, _ ofUser) error {
		err := s.People.SendReset(c.Context(), c.asker, u)
		switch {
		case errors.Is(err, people.ErrNoReset):
			return &jsonapi.Problem{Status: http.StatusConflict, Code: "not_offered", Detail: sentence(err)}
		case errors.Is(err, people.ErrNoAddress):
			return &jsonapi.Problem{Status: http.StatusConflict, Code: "no_address", Detail: sentence(err)}
		}
		return err
	})
}

// factors are what a user can prove the account with.
type factors struct {
	Password         bool `json:"password" doc:"The user has a password."`
	PasswordExpired  bool `json:"password_expired" doc:"It has to be changed at the next sign-in by password."`
	AuthenticatorApp bool `json:"authenticator_app" doc:"The user has an authenticator app."`
	RecoveryCodes    bool `json:"recovery_codes" doc:"The user has recovery codes."`
	Passkeys         int  `json:"passkeys" doc:"How many passkeys the user has."`
	TrustedDevices   int  `json:"trusted_devices" doc:"How many browsers aren't asked for a second factor."`
}

func (s *Server) getFactors() jsonapi.Route {
	return aboutUser(s, jsonapi.Operation{
		Path: "/users/{user}/factors", ID: "getFactors", Summary: "Says what a user can sign in with.",
	}, func(c *call, u storage.User) (factors, error) {
		st, err := s.Accounts.Standing(c.Context(), c.asker, u.ID)
		return factors{
			st.HasPassword, st.NewPassword, st.AuthenticatorApp, st.RecoveryCodes, st.Passkeys, st.TrustedDevices,
		}, err
	})
}

func (s *Server) removeFactors() jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/users/{user}/factors", ID: "removeFactors",
		Summary: "Removes all second factors and passkeys of a user who lost them.",
		Text:    "Verify first that it is the user who asks for it. The password stays.",
	}, func(c *call, u storage.User, _ ofUser) error { return s.Accounts.Recover(c.Context(), c.asker, u.ID) })
}

// passkey is a passkey as the API shows one.
type passkey struct {
	ID        string    `json:"id" doc:"The id."`
	Name      string    `json:"name" doc:"What the user calls it, or the product that keeps it."`
	CreatedAt time.Time `json:"created_at" doc:"When it was added."`
}

func (s *Server) listPasskeys() jsonapi.Route {
	return aboutUser(s, jsonapi.Operation{
		Path: "/users/{user}/passkeys", ID: "listPasskeys", Summary: "Lists a user's passkeys.",
	}, func(c *call, u storage.User) (whole[passkey], error) {
		all, _, err := s.People.Passkeys(c.Context(), c.asker, u)
		return wholeOf(all, func(k people.OwnPasskey) passkey { return passkey{k.ID, k.Name, k.Added} }), err
	})
}

// ofPasskey is the input of an operation about one passkey.
type ofPasskey struct {
	ofUser
	Passkey string `path:"passkey" max:"2048" doc:"The passkey's id."`
}

func (s *Server) removePasskey() jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/users/{user}/passkeys/{passkey}", ID: "removePasskey",
		Summary: "Removes one of a user's passkeys.",
		Text:    "With the last second factor, recovery codes and trusted devices go, too.",
	}, func(c *call, u storage.User, in ofPasskey) error {
		return s.Accounts.RemovePasskey(c.Context(), c.asker, u.ID, in.Passkey)
	})
}

// identity is a user's account at an upstream provider.
type identity struct {
	Provider  string    `json:"provider" doc:"The id of the upstream provider."`
	Subject   string    `json:"subject" doc:"The user's id there."`
	Email     string    `json:"email,omitempty" doc:"The address there, when it was linked."`
	CreatedAt time.Time `json:"created_at" doc:"When it was linked."`
}

func shownIdentity(i storage.Identity) identity {
	return identity{i.Provider, i.Subject, i.Email, i.CreatedAt}
}

func (s *Server) listIdentities() jsonapi.Route {
	return aboutUser(s, jsonapi.Operation{
		Path: "/users/{user}/identities", ID: "listIdentities", Summary: "Lists a user's accounts at upstream providers.",
	}, func(c *call, u storage.User) (whole[identity], error) {
		all, err := s.People.Identities(c.Context(), u)
		return wholeOf(all, shownIdentity), err
	})
}

// ofIdentity is the input of an operation about one linked account.
type ofIdentity struct {
	ofUser
	Provider string `path:"provider" max:"64" doc:"The id of the upstream provider."`
	Subject  string `path:"subject" max:"1024" doc:"The user's id there."`
}

func (s *Server) unlinkIdentity() jsonapi.Route {
	return onUser(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/users/{user}/identities/{provider}/{subject}", ID: "unlinkIdentity",
		Summary: "Unlinks a user's account at an upstream provider.",
	}, func(c *call, u storage.User, in ofIdentity) error {
		return s.Accounts.Unlink(c.Context(), c.asker, u.ID, in.Provider, in.Subject)
	})
}

// signInAsCall is the input of POST /users/{user}:sign-in-as.
type signInAsCall struct {
	ofUser
	Reason string `json:"reason" need:"true" max:"1200" doc:"Why, in one line of at most 300 characters. The user can read it." example:"Support request 4711"`
}

// signInAsLink is its answer.
type signInAsLink struct {
	Link      string    `json:"link,omitempty" doc:"The page where the administrator confirms it, in their own browser. It is shown only now."`
	ExpiresAt time.Time `json:"expires_at" doc:"Until when the link works, once."`
}

func (s *Server) signInAs() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/users/{user}:sign-in-as", ID: "signInAs", Scope: administration.SignInAs,
		Summary: "Makes a link by which the administrator who calls can sign in as a user, to help.",
		Text: "The link opens nothing by itself. It leads to a form that is filled in, which only this administrator can " +
			"use, who has to have signed in within the last five minutes in that browser. The tenant's setting " +
			"`sign_in_as.enabled` has to be on. A client that calls for itself can't do this.",
		Problems: []jsonapi.Outcome{
			wrongFields, notJSON,
			{Status: http.StatusConflict, Code: "not_offered", When: "the tenant's setting `sign_in_as.enabled` isn't on."},
			{Status: http.StatusConflict, Code: "no_administrator", When: "a client calls for itself, or the " +
				"administrator's role doesn't allow it."},
			{Status: http.StatusConflict, Code: "is_administrator", When: "the user is an administrator."},
			{Status: http.StatusConflict, Code: "disabled", When: "the user is disabled."},
		},
	}, func(c *call, in signInAsCall) (out signInAsLink, err error) {
		if c.user == nil {
			return out, acting.ErrNotAllowed
		}
		if _, err := s.Accounts.Store.User(c.Context(), c.asker.Tenant.ID, in.User); err != nil {
			return out, err
		}
		out.Link, out.ExpiresAt, err = s.Acting.Link(c.Context(), c.asker, *c.user,
			acting.Request{UserID: in.User, Reason: in.Reason})
		return out, err
	})
}
