package settings

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/apikeys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// apiKeyRow is an API key of a client.
type apiKeyRow struct {
	Name, Start, Scopes string
	Expires             ui.Stamp
	Used                *ui.Stamp
	Ended, Replaced     bool
	Rotate, Revoke      string // pages; "" if there is nothing to do
}

// clientName returns what a page calls the client.
func clientName(c *console.Call, client storage.Client) string {
	return ui.ClientOf(&client, c.Words).Name
}

// apiKeys lists the clients, or the keys of one.
func (p place) apiKeys(c *console.Call) error {
	if c.FormValue("client") != "" {
		return p.keysOfClient(c)
	}
	all, next, err := console.Paged(c, "clients", func(after string, limit int) ([]storage.Client, error) {
		return p.Store.Clients(c.Context(), c.Tenant().ID, after, limit)
	}, func(client storage.Client) string { return client.ClientID })
	if err != nil {
		return err
	}
	page := struct {
		List console.List
		Rows []card
	}{List: console.List{Next: next, First: c.First()}}
	for _, client := range all {
		to := c.Link(root+"/api-keys", "client", client.ClientID)
		page.Rows = append(page.Rows, card{console.Anchor{URL: to, Text: clientName(c, client)}, client.ClientID})
	}
	return c.ShowView("clients", view(c, "settings.at.api-keys"), page)
}

// keysOfClient lists the keys of a client.
func (p place) keysOfClient(c *console.Call) error {
	client, err := p.Store.Client(c.Context(), c.Tenant().ID, c.FormValue("client"))
	if err != nil {
		return err
	}
	all, err := p.APIKeys.Of(c.Context(), c.Asker, storage.APIKeyOwner{Client: &client})
	if err != nil {
		return err
	}
	page := struct {
		Client string
		Rows   []apiKeyRow
		Add    string
	}{Client: clientName(c, client)}
	may := c.May(writeClients...) && administration.BeyondClient(client, c.Scopes) == ""
	if may {
		page.Add = c.Link(root+"/api-keys/add", "client", client.ClientID)
	}
	for _, k := range all {
		row := apiKeyRow{Name: k.Name, Start: k.Start, Scopes: strings.Join(k.Scopes, " "),
			Expires: ui.StampOf(c.Words, k.ExpiresAt), Used: c.Stamp(k.UsedAt), Ended: !k.ExpiresAt.After(time.Now()),
			Replaced: k.ReplacedBy != ""}
		if may {
			row.Revoke = c.Link(root+"/api-keys/revoke", "client", client.ClientID, "key", k.ID)
			if !row.Ended && !row.Replaced {
				row.Rotate = c.Link(root+"/api-keys/rotate", "client", client.ClientID, "key", k.ID)
			}
		}
		page.Rows = append(page.Rows, row)
	}
	v := c.View("settings.at.api-keys").BackTo("settings.at.api-keys", root+"/api-keys")
	v.Title = c.T("settings.keys_of", page.Client)
	return c.ShowView("apikeys", v, page)
}

// managed returns the client that the request names. It returns an error unless the administrator may do all that the
// client may: with a key of it they could otherwise do more.
func (p place) managed(c *console.Call) (storage.Client, error) {
	client, err := p.Store.Client(c.Context(), c.Tenant().ID, c.FormValue("client"))
	if err == nil && administration.BeyondClient(client, c.Scopes) != "" {
		err = &console.Refusal{Status: http.StatusForbidden, Title: "console.forbidden.title", Text: "settings.beyond_client",
			Back: c.To(root + "/api-keys")}
	}
	return client, err
}

// addKeyPage is the form of a new key.
func (p place) addKeyPage(c *console.Call) error {
	client, err := p.managed(c)
	if err != nil {
		return err
	}
	v := c.View("settings.add_key").BackTo(clientName(c, client), root+"/api-keys", "client", client.ClientID)
	return c.ShowView("form", v, formPage{Lead: c.T("settings.add_key_lead", clientName(c, client)),
		Action: c.Link(root+"/api-keys/add", "client", client.ClientID), Button: c.T("settings.add_key"), Form: c.Form(
			console.Field{Name: "name", Label: "settings.key_name", Required: true, Max: 100},
			console.Field{Name: "scopes", Label: "settings.key_scopes", Hint: "settings.key_scopes_hint", Required: true,
				Max: 2000, Value: strings.Join(client.Scopes(), " ")},
			console.Field{Name: "expires", Label: "settings.key_days", Kind: "number", Value: "90", Required: true})})
}

// addKey adds a key, and shows it once.
func (p place) addKey(c *console.Call) error {
	client, err := p.managed(c)
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(c.Value("expires"))
	if err != nil || days < 1 || days > 4000 {
		return c.Refuse(c.Wrong("expires", "settings.key_days_wrong"), "name", "scopes", "expires")
	}
	added, err := p.APIKeys.AddOfClient(c.Context(), c.Asker, client, apikeys.New{Name: c.Value("name"),
		Scopes: strings.Fields(c.Value("scopes")), Life: time.Duration(days) * 24 * time.Hour})
	if err != nil {
		return c.Refuse(err, "name", "scopes", "expires")
	}
	return p.showKey(c, client, added)
}

// showKey leads to the list, which shows the new key once.
func (p place) showKey(c *console.Call, client storage.Client, added apikeys.Added) error {
	return c.Tell(c.To(root+"/api-keys", "client", client.ClientID), console.Notice{
		Text: c.T("settings.key_added", added.Name), Secret: added.Secret, SecretName: c.T("settings.key_once")})
}

// askKey returns the page that says what will happen to a key.
func (p place) askKey(do string, danger bool) console.Handler {
	return func(c *console.Call) error {
		client, err := p.managed(c)
		if err != nil {
			return err
		}
		all, err := p.APIKeys.Of(c.Context(), c.Asker, storage.APIKeyOwner{Client: &client})
		if err != nil {
			return err
		}
		for _, k := range all {
			if k.ID == c.FormValue("key") {
				return c.Confirm(console.Confirm{Title: c.T("settings.key_ask."+do, k.Name), Button: c.T("settings.key_do." + do),
					Will:   []string{c.T("settings.key_will." + do)},
					Hidden: map[string]string{"client": client.ClientID, "key": k.ID},
					Danger: danger, Final: danger, Back: c.To(root+"/api-keys", "client", client.ClientID)})
			}
		}
		return storage.ErrNotFound
	}
}

// rotateKey replaces a key by a new one, which is shown once.
func (p place) rotateKey(c *console.Call) error {
	client, err := p.managed(c)
	if err != nil {
		return err
	}
	added, err := p.APIKeys.RotateOfClient(c.Context(), c.Asker, client, c.Value("key"), -1)
	if errors.Is(err, apikeys.ErrReplaced) {
		return &console.Refusal{Status: http.StatusConflict, Title: "settings.at.api-keys", Text: "settings.key_replaced",
			Back: c.To(root+"/api-keys", "client", client.ClientID)}
	}
	if err != nil {
		return err
	}
	return p.showKey(c, client, added)
}

// revokeKey revokes a key.
func (p place) revokeKey(c *console.Call) error {
	client, err := p.managed(c)
	if err != nil {
		return err
	}
	if err := p.APIKeys.Remove(c.Context(), c.Asker, storage.APIKeyOwner{Client: &client}, c.Value("key")); err != nil {
		return err
	}
	return c.Done(c.To(root+"/api-keys", "client", client.ClientID), "settings.key_revoked")
}
