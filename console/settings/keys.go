package settings

import (
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// keyRow is a signing key in the list.
type keyRow struct {
	ID, Algorithm, State string
	Kind                 string // of the badge
	From                 ui.Stamp
	SignsUntil, Until    *ui.Stamp
	Remove               string // the page that asks
}

// uses returns the tenant's signing keys with their states.
func (p place) uses(c *console.Call) ([]keys.Use, error) {
	stored, err := p.Store.Keys(c.Context(), c.Tenant().ID, time.Time{})
	return p.Keys.Uses(stored, time.Now()), err
}

// keys lists the signing keys.
func (p place) keys(c *console.Call) error {
	all, err := p.uses(c)
	if err != nil {
		return err
	}
	page := struct {
		Rows []keyRow
		May  bool
	}{May: c.May(writeKeys...)}
	for _, u := range all {
		row := keyRow{ID: u.ID, Algorithm: u.Algorithm, State: c.T("settings.key." + string(u.State)), Kind: "plain",
			From: ui.StampOf(c.Words, u.ActiveAt), Until: c.Stamp(u.ExpiresAt)}
		if u.State == keys.Signs {
			row.Kind = ""
		}
		if !u.SignsUntil.Before(u.ActiveAt) {
			row.SignsUntil = c.Stamp(u.SignsUntil)
		}
		if page.May {
			row.Remove = c.Link(root+"/keys/remove", "kid", u.ID)
		}
		page.Rows = append(page.Rows, row)
	}
	return c.ShowView("keys", view(c, "settings.at.keys"), page)
}

// askRotate says what new keys do.
func (p place) askRotate(c *console.Call) error {
	algs := []console.Option{{Text: c.T("settings.rotate_all")}}
	for _, alg := range clients.SigningAlgorithms {
		algs = append(algs, console.Option{Value: string(alg), Text: string(alg)})
	}
	return c.Confirm(console.Confirm{
		Title: c.T("settings.rotate"), Button: c.T("settings.rotate"), Back: c.To(root + "/keys"),
		Will: []string{c.T("settings.rotate_will.1"), c.T("settings.rotate_will.2"), c.T("settings.rotate_will.3")},
		Form: c.Form(
			console.Field{Name: "alg", Label: "settings.algorithm", Kind: "select", Options: algs},
			console.Field{Name: "now", Label: "settings.rotate_now", Hint: "settings.rotate_now_hint", Kind: "checkbox"}),
	})
}

// rotate makes new keys.
func (p place) rotate(c *console.Call) error {
	algs := []string{c.Value("alg")}
	if algs[0] == "" {
		var err error
		if algs, err = p.Keys.Algorithms(c.Context(), c.Tenant().ID); err != nil {
			return err
		}
	} else if !slices.Contains(clients.SigningAlgorithms, jose.SignatureAlgorithm(algs[0])) {
		return c.Refuse(c.Wrong("alg", "settings.algorithm_wrong"))
	}
	if _, err := p.Keys.Rotate(c.Context(), c.Tenant().ID, algs, c.Value("now") == "1", c.Asker.Event); err != nil {
		return err
	}
	return c.Done(c.To(root+"/keys"), "settings.rotated")
}

// key returns the tenant's signing key with the id, or storage.ErrNotFound.
func (p place) key(c *console.Call, id string) (keys.Use, error) {
	all, err := p.uses(c)
	if err != nil {
		return keys.Use{}, err
	}
	i := slices.IndexFunc(all, func(u keys.Use) bool { return u.ID == id })
	if i < 0 {
		return keys.Use{}, storage.ErrNotFound
	}
	return all[i], nil
}

// askRemoveKey says what happens without the key.
func (p place) askRemoveKey(c *console.Call) error {
	u, err := p.key(c, c.FormValue("kid"))
	if err != nil {
		return err
	}
	page := console.Confirm{
		Title: c.T("settings.remove_key_ask", u.Algorithm), Lead: u.ID, Button: c.T("settings.remove_key"), Danger: true,
		Final: true, Will: []string{c.T("settings.remove_key_will.1"), c.T("settings.remove_key_will.2")},
		Hidden: map[string]string{"kid": u.ID}, Back: c.To(root + "/keys"),
	}
	if u.State == keys.Signs {
		page.Will = append(page.Will, c.T("settings.remove_key_will.3"))
	}
	return c.Confirm(page)
}

// removeKey removes a key.
func (p place) removeKey(c *console.Call) error {
	u, err := p.key(c, c.Value("kid"))
	if err != nil {
		return err
	}
	e := c.Asker.Event(storage.Event{Kind: storage.EventKeyRemoved, Detail: map[string]string{"kid": u.ID}})
	if err := p.Store.RemoveKey(c.Context(), c.Tenant().ID, u.ID, e); err != nil {
		return err
	}
	return c.Done(c.To(root+"/keys"), "settings.removed_key", u.Algorithm)
}
