package apps

import (
	"errors"
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/storage"
)

// secretPage says what one more secret does.
func (p place) secretPage(c *console.Call) error {
	a, err := p.managed(c)
	if err != nil {
		return err
	}
	return c.Confirm(console.Confirm{Title: c.T("apps.secret_title", nameOf(a)), Button: c.T("apps.secret_add"),
		Will:   []string{c.T("apps.secret_will.1"), c.T("apps.secret_will.2"), c.T("apps.secret_will.3")},
		Hidden: map[string]string{"id": a.ClientID}, Back: to(c, a)})
}

// addSecret gives the app one more secret, and shows it this once.
func (p place) addSecret(c *console.Call) error {
	a, err := p.managed(c)
	if err != nil {
		return err
	}
	value, _, err := clients.AddSecret(c.Context(), p.Store, a, c.Asker.Event)
	if errors.Is(err, clients.ErrNoSecret) {
		return refusal(c, a, "apps.secret_none", clients.MaxSecrets)
	}
	if err != nil {
		return err
	}
	return c.Tell(to(c, a), console.Notice{Text: c.T("apps.secret_added", nameOf(a)), Secret: value,
		SecretName: c.T("apps.secret_shown")})
}

// refusal returns an error that leads back to the app.
func refusal(c *console.Call, a storage.Client, text string, args ...any) error {
	return &console.Refusal{Status: http.StatusConflict, Title: "apps.secrets", Text: text, Args: args, Back: to(c, a)}
}

// removeSecretPage says what the removal of a secret does.
func (p place) removeSecretPage(c *console.Call) error {
	a, err := p.managed(c)
	if err != nil {
		return err
	}
	id := c.FormValue("secret")
	if !slices.ContainsFunc(a.SecretHashes, func(hash string) bool { return clients.SecretID(hash) == id }) {
		return storage.ErrNotFound
	}
	return c.Confirm(console.Confirm{Title: c.T("apps.secret_remove_title", id, nameOf(a)),
		Button: c.T("apps.secret_remove"),
		Danger: true, Final: true, Will: []string{c.T("apps.secret_remove_will.1"), c.T("apps.secret_remove_will.2")},
		Hidden: map[string]string{"id": a.ClientID, "secret": id}, Back: to(c, a)})
}

// removeSecret removes a secret.
func (p place) removeSecret(c *console.Call) error {
	a, err := p.managed(c)
	if err != nil {
		return err
	}
	err = clients.RemoveSecret(c.Context(), p.Store, a, c.Value("secret"), c.Asker.Event)
	if errors.Is(err, clients.ErrLastSecret) {
		return refusal(c, a, "apps.secret_last")
	}
	if err != nil {
		return err
	}
	return c.Done(to(c, a), "apps.secret_removed", nameOf(a))
}

// disablePage says what it does to disable the app.
func (p place) disablePage(c *console.Call) error {
	a, err := p.managed(c)
	if err != nil {
		return err
	}
	return c.Confirm(console.Confirm{Title: c.T("apps.disable_title", nameOf(a)), Button: c.T("apps.disable"),
		Danger: true,
		Will:   []string{c.T("apps.disable_will.1"), c.T("apps.disable_will.2")},
		Hidden: map[string]string{"id": a.ClientID}, Back: to(c, a)})
}

// setDisabled disables the app, or enables it.
func (p place) setDisabled(disabled bool) console.Handler {
	return func(c *console.Call) error {
		was, err := p.managed(c)
		if err != nil {
			return err
		}
		a, done, undo := was, "apps.did.enable", ""
		if disabled {
			done, undo = "apps.did.disable", c.To(root+"/enable", "id", a.ClientID)
		}
		a.Disabled = disabled
		if _, _, err := p.save(c, &was, a); err != nil {
			return err
		}
		return c.Tell(to(c, a), console.Notice{Text: c.T(done, nameOf(a)), Undo: undo})
	}
}

// removePage says what the removal does, and asks for the app's id.
func (p place) removePage(c *console.Call) error {
	a, err := p.managed(c)
	if err != nil {
		return err
	}
	return c.Confirm(console.Confirm{Title: c.T("apps.remove_title", nameOf(a)), Button: c.T("apps.remove"), Danger: true,
		Will: []string{c.T("apps.remove_will.1"), c.T("apps.remove_will.2"), c.T("apps.remove_will.3")},
		Form: c.Form(console.Field{Name: "confirm", Label: "apps.confirm", Hint: "apps.confirm_hint", Required: true,
			Max: 256}),
		Hidden: map[string]string{"id": a.ClientID}, Back: to(c, a)})
}

// remove removes the app, if its id was typed.
func (p place) remove(c *console.Call) error {
	a, err := p.managed(c)
	if err != nil {
		return err
	}
	if c.Value("confirm") != a.ClientID {
		return c.Refuse(c.Wrong("confirm", "apps.fault.confirm", a.ClientID))
	}
	if err := clients.Remove(c.Context(), p.Store, a.TenantID, a.ClientID, c.Asker.Event); err != nil {
		return err
	}
	return c.Done(c.To(root), "apps.removed", nameOf(a))
}
