package people

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// action is something that an administrator does to one user. Its texts are people.do.ID for the button,
// people.ask.ID for the title of the page that asks, people.will.ID.1 and so on for what will happen, and
// people.did.ID for the notice.
type action struct {
	id     string
	scope  string // default users:write
	will   int    // how many consequences there are
	danger bool
	final  bool // it can't be undone
	fresh  bool
	direct bool // done by one click, because it harms nothing
	// offered reports whether the action makes sense for the user now; nil for always.
	when func(c *console.Call, u storage.User, st administration.Standing) bool
	// fields are those of the page that asks.
	fields func(c *console.Call, u storage.User) []console.Field
	// do does it, and may change the notice or where the browser goes.
	do func(c *console.Call, u storage.User, n *console.Notice, to *string) error
}

// offered reports whether the reader may take the action, and the user's page offers it.
func (a action) offered(c *console.Call, u storage.User, st administration.Standing) bool {
	return c.May(cmp.Or(a.scope, "users:write")) && (a.when == nil || a.when(c, u, st))
}

// pages returns the rows of the table of pages: the page that asks, and what its form is sent to.
func (a action) pages(p place) []console.Page {
	scopes := []string{"users:read", cmp.Or(a.scope, "users:write")}
	all := []console.Page{{Method: http.MethodPost, Path: person + "/" + a.id, Scopes: scopes, Fresh: a.fresh,
		Serve: func(c *console.Call) error { return p.act(c, a) }}}
	if !a.direct {
		all = append(all, console.Page{Method: http.MethodGet, Path: person + "/" + a.id, Scopes: scopes, Fresh: a.fresh,
			Serve: func(c *console.Call) error { return p.ask(c, a) }})
	}
	return all
}

// ask says what the action will do.
func (p place) ask(c *console.Call, a action) error {
	u, err := c.Target(c.PathValue("user"))
	if err != nil {
		return err
	}
	page := console.Confirm{
		Title: c.T("people.ask."+a.id, console.NameOf(u)), Button: c.T("people.do." + a.id), Danger: a.danger,
		Final: a.final, Back: c.To(pathOf(u.ID, "")),
	}
	for i := range a.will {
		page.Will = append(page.Will, c.T("people.will."+a.id+"."+string(rune('1'+i))))
	}
	if a.fields != nil {
		page.Form = c.Form(a.fields(c, u)...)
	}
	return c.Confirm(page)
}

// act does what was confirmed.
func (p place) act(c *console.Call, a action) error {
	u, err := c.Target(c.PathValue("user"))
	if err != nil {
		return err
	}
	n, to := console.Notice{Text: c.T("people.did."+a.id, console.NameOf(u))}, c.To(pathOf(u.ID, ""))
	if err := a.do(c, u, &n, &to); err != nil {
		return c.Refuse(err)
	}
	if strings.HasPrefix(to, "http") {
		http.Redirect(c.W, c.Request, to, http.StatusSeeOther)
		return nil
	}
	return c.Tell(to, n)
}

// actions are all actions, in the order of the page.
func (p place) actions() []action {
	disabled := func(is bool) func(*console.Call, storage.User, administration.Standing) bool {
		return func(_ *console.Call, u storage.User, _ administration.Standing) bool { return u.Disabled == is }
	}
	return []action{
		{id: "reset", direct: true, do: p.sendReset,
			when: func(c *console.Call, u storage.User, _ administration.Standing) bool {
				return u.Email != "" && !u.Disabled && p.People.OffersReset(c.Asker)
			}},
		{id: "enable", direct: true, when: disabled(true),
			do: func(c *console.Call, u storage.User, _ *console.Notice, _ *string) error {
				return p.Accounts.Enable(c.Context(), c.Asker, u.ID)
			}},
		{id: "password", fresh: true, will: 3, do: p.temporaryPassword,
			when: func(c *console.Call, u storage.User, _ administration.Standing) bool { return c.Asker.UsesPasswords() }},
		{id: "expire", will: 2, do: p.expire(true),
			when: func(_ *console.Call, _ storage.User, st administration.Standing) bool {
				return st.HasPassword && !st.NewPassword
			}},
		{id: "keep", direct: true, do: p.expire(false),
			when: func(_ *console.Call, _ storage.User, st administration.Standing) bool { return st.NewPassword }},
		{id: "lift", will: 3,
			when: func(_ *console.Call, u storage.User, _ administration.Standing) bool { return !u.Disabled },
			do: func(c *console.Call, u storage.User, _ *console.Notice, _ *string) error {
				return p.People.LiftLimits(c.Context(), c.Asker, u)
			}},
		{id: "sessions", will: 2,
			when: func(_ *console.Call, _ storage.User, st administration.Standing) bool { return st.Sessions > 0 },
			do: func(c *console.Call, u storage.User, _ *console.Notice, _ *string) error {
				return p.Accounts.EndSessions(c.Context(), c.Asker, u.ID)
			}},
		{id: "sign-in-as", scope: administration.SignInAs, fresh: true, will: 3, do: p.signInAs,
			when: func(c *console.Call, u storage.User, _ administration.Standing) bool {
				return c.IsOwnTenant() && acting.May(c.Asker, c.Administrator.User) && u.AdminRole == "" && !u.Disabled
			},
			fields: func(c *console.Call, _ storage.User) []console.Field {
				return []console.Field{{Name: "reason", Label: "acting.reason", Hint: "acting.reason_hint", Required: true,
					Max: acting.MaxReason}}
			}},
		{id: "factors", fresh: true, danger: true, final: true, will: 3,
			when: func(_ *console.Call, _ storage.User, st administration.Standing) bool {
				return st.AuthenticatorApp || st.Passkeys > 0 || st.RecoveryCodes
			},
			do: func(c *console.Call, u storage.User, _ *console.Notice, _ *string) error {
				return p.Accounts.Recover(c.Context(), c.Asker, u.ID)
			}},
		{id: "disable", danger: true, will: 3, when: disabled(false),
			do: func(c *console.Call, u storage.User, n *console.Notice, _ *string) error {
				n.Undo = c.To(pathOf(u.ID, "/enable"))
				return p.Accounts.Disable(c.Context(), c.Asker, u.ID)
			}},
		{id: "erase", fresh: true, danger: true, will: 2, do: p.erase,
			fields: func(c *console.Call, u storage.User) []console.Field {
				return []console.Field{{Name: "confirm", Label: "people.erase_confirm", Hint: "people.erase_hint", Required: true}}
			}},
	}
}

// sendReset sends the email with which the user sets a new password.
func (p place) sendReset(c *console.Call, u storage.User, _ *console.Notice, _ *string) error {
	err := p.People.SendReset(c.Context(), c.Asker, u)
	if isNoReset(err) {
		return &console.Refusal{Status: http.StatusConflict, Title: "people.do.reset", Text: "people.no_reset",
			Back: c.To(pathOf(u.ID, ""))}
	}
	return err
}

// isNoReset reports whether the error says that a user gets no such email.
func isNoReset(err error) bool {
	return errors.Is(err, people.ErrNoReset) || errors.Is(err, people.ErrNoAddress)
}

// temporaryPassword gives the user a password that is shown once, and has to be changed at the next sign-in.
func (p place) temporaryPassword(c *console.Call, u storage.User, n *console.Notice, _ *string) error {
	text := secret.Token()[:16]
	hash, _, err := p.Accounts.NewPassword(c.Context(), u, text, false)
	if err != nil {
		return err
	}
	if err := p.Accounts.SetPassword(c.Context(), c.Asker, u.ID, hash); err != nil {
		return err
	}
	n.Secret, n.SecretName = text, c.T("people.password_once")
	expired := true
	_, _, err = p.Accounts.Edit(c.Context(), c.Asker, u.ID, administration.Edit{NewPassword: &expired}, true)
	return err
}

// expire has the user choose a new password at the next sign-in, or lets the password be.
func (p place) expire(expired bool) func(*console.Call, storage.User, *console.Notice, *string) error {
	return func(c *console.Call, u storage.User, n *console.Notice, _ *string) error {
		if expired {
			n.Undo = c.To(pathOf(u.ID, "/keep"))
		}
		_, _, err := p.Accounts.Edit(c.Context(), c.Asker, u.ID, administration.Edit{NewPassword: &expired}, true)
		return err
	}
}

// signInAs leads to the page where the administrator confirms it, filled in.
func (p place) signInAs(c *console.Call, u storage.User, _ *console.Notice, to *string) error {
	link, _, err := p.Acting.Link(c.Context(), c.Asker, c.Administrator.User,
		acting.Request{UserID: u.ID, Reason: c.Value("reason")})
	*to = link
	return err
}

// erase removes the user for good, once the administrator has typed which.
func (p place) erase(c *console.Call, u storage.User, _ *console.Notice, to *string) error {
	typed, login := c.Value("confirm"), cmp.Or(u.Email, u.Username, u.ID)
	if !strings.EqualFold(typed, login) && typed != console.NameOf(u) {
		return c.Wrong("confirm", "people.erase_wrong")
	}
	*to = c.To(root)
	return p.Accounts.RemoveSeen(c.Context(), c.Asker, u)
}
