package people

import (
	"errors"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// onPart changes something that belongs to a user, and leads back to the user's page. do is given the id that the form
// names.
func (p place) onPart(c *console.Call, done string, do func(u storage.User, id string) error) error {
	u, err := c.Target(c.PathValue("user"))
	if err == nil {
		err = do(u, c.Value("id"))
	}
	if err != nil {
		return err
	}
	return c.Done(c.To(pathOf(u.ID, "")), done)
}

// endSession ends one of the user's sessions.
func (p place) endSession(c *console.Call) error {
	return p.onPart(c, "people.did.session", func(u storage.User, id string) error {
		return p.Accounts.EndSession(c.Context(), c.Asker, u.ID, id)
	})
}

// disconnect takes an app's access away.
func (p place) disconnect(c *console.Call) error {
	return p.onPart(c, "people.did.app", func(u storage.User, id string) error {
		return p.Accounts.DisconnectApp(c.Context(), c.Asker, u.ID, id)
	})
}

// unlink takes an account at an upstream provider away from the user.
func (p place) unlink(c *console.Call) error {
	return p.onPart(c, "people.did.identity", func(u storage.User, id string) error {
		return p.Accounts.Unlink(c.Context(), c.Asker, u.ID, id, c.PostForm.Get("subject"))
	})
}

// removePasskey removes one of the user's passkeys.
func (p place) removePasskey(c *console.Call) error {
	return p.onPart(c, "people.did.passkey", func(u storage.User, id string) error {
		return p.Accounts.RemovePasskey(c.Context(), c.Asker, u.ID, id)
	})
}

// groups has the user join a group, or leave one.
func (p place) groups(c *console.Call) error {
	u, err := c.Target(c.PathValue("user"))
	if err != nil {
		return err
	}
	// Undo names the group in the address.
	leave, join := strings.TrimSpace(c.FormValue("leave")), strings.TrimSpace(c.FormValue("group"))
	e, n := administration.Edit{}, console.Notice{Text: c.T("people.did.joined")}
	if leave != "" {
		e.Leave = []string{leave}
		n = console.Notice{Text: c.T("people.did.left"), Undo: c.To(pathOf(u.ID, "/groups"), "group", leave)}
	} else {
		e.Join = []string{join}
	}
	_, _, err = p.Accounts.Edit(c.Context(), c.Asker, u.ID, e, true)
	if fault, ok := errors.AsType[*importing.Fault](err); ok && fault.ID == "group.missing" {
		return &console.Refusal{Status: http.StatusUnprocessableEntity, Title: "people.groups", Text: "people.no_group",
			Args: []any{join}, Back: c.To(pathOf(u.ID, ""))}
	}
	if err != nil {
		return err
	}
	return c.Tell(c.To(pathOf(u.ID, "")), n)
}

// roleNamed returns the role that a text names: CLIENT#ROLE, or the identifier of an API, # and the role.
func roleNamed(text string) (role storage.RoleName, ok bool) {
	i := strings.LastIndex(text, "#")
	if i <= 0 || i == len(text)-1 {
		return role, false
	}
	if owner := text[:i]; strings.Contains(owner, ":") {
		role.API = owner
	} else {
		role.Client = owner
	}
	role.Name = text[i+1:]
	return role, true
}

// roles gives the user a role, or takes one away.
func (p place) roles(c *console.Call) error {
	u, err := c.Target(c.PathValue("user"))
	if err != nil {
		return err
	}
	e, n := administration.Edit{}, console.Notice{Text: c.T("people.did.role")}
	text := strings.TrimSpace(c.FormValue("role"))
	role, ok := roleNamed(text)
	if taken := c.Value("take"); taken != "" {
		if role, ok = roleNamed(taken); ok {
			e.Take = []storage.RoleName{role}
			n = console.Notice{Text: c.T("people.did.role_taken"), Undo: c.To(pathOf(u.ID, "/roles"), "role", taken)}
		}
	} else if ok {
		e.Give = []storage.RoleName{role}
	}
	if ok {
		_, _, err = p.Accounts.Edit(c.Context(), c.Asker, u.ID, e, true)
	}
	if fault, is := errors.AsType[*importing.Fault](err); !ok || is && fault.ID == "role.missing" {
		return &console.Refusal{Status: http.StatusUnprocessableEntity, Title: "people.roles", Text: "people.no_role",
			Args: []any{text}, Back: c.To(pathOf(u.ID, ""))}
	}
	if err != nil {
		return err
	}
	return c.Tell(c.To(pathOf(u.ID, "")), n)
}
