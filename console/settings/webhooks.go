package settings

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

const hook = root + "/webhook/{webhook}"

// hookPath returns the path of a webhook's page, and of a page below it.
func hookPath(id, below string) string { return root + "/webhook/" + id + below }

// hookRow is a webhook in the list.
type hookRow struct {
	ID, URL, Description, Kinds string
	Disabled                    bool
	FailingSince                *ui.Stamp
}

// rowOf returns a webhook for a page.
func rowOf(c *console.Call, w storage.Webhook) hookRow {
	kinds := strings.Join(w.Kinds, ", ")
	if kinds == "" {
		kinds = c.T("settings.all_events")
	}
	return hookRow{w.ID, w.URL, w.Description, kinds, w.Disabled, c.Stamp(w.FailingSince)}
}

// manager returns the use cases of the administrator.
func (p place) manager(c *console.Call) *webhooks.Manager {
	return &webhooks.Manager{Store: p.Store, Secrets: p.Secrets, Reach: p.Webhooks.Sender.Reach, Wake: p.Webhooks.Wake,
		Event: c.Asker.Event}
}

// find returns the webhook that the path names.
func (p place) find(c *console.Call) (storage.Webhook, error) {
	return p.Store.Webhook(c.Context(), c.Tenant().ID, c.PathValue("webhook"))
}

// webhooks lists the webhooks, which are 50 at most.
func (p place) webhooks(c *console.Call) error {
	all, err := p.Store.Webhooks(c.Context(), c.Tenant().ID, "", storage.MostWebhooks)
	if err != nil {
		return err
	}
	page := struct {
		Rows []hookRow
		May  bool
	}{May: c.May(writeWebhooks...)}
	for _, w := range all {
		page.Rows = append(page.Rows, rowOf(c, w))
	}
	return c.ShowView("webhooks", view(c, "settings.at.webhooks"), page)
}

// kindGroup is the kinds of events that begin alike, such as login.*.
type kindGroup struct {
	All   kindBox
	Kinds []kindBox
	Open  bool // one of them is chosen
}

// kindBox is a kind of events that can be chosen. Meaning is English.
type kindBox struct {
	Kind, Meaning string
	On            bool
}

// kindGroups returns all kinds that a webhook can be told of, with the chosen ones marked.
func kindGroups(chosen []string) (groups []kindGroup) {
	for _, k := range storage.EventKinds {
		if k.Audience < storage.ToTenant {
			continue
		}
		beginning, _, _ := strings.Cut(k.Kind, ".")
		all := beginning + ".*"
		i := slices.IndexFunc(groups, func(g kindGroup) bool { return g.All.Kind == all })
		if i < 0 {
			i, groups = len(groups), append(groups, kindGroup{All: kindBox{Kind: all, On: slices.Contains(chosen, all)}})
		}
		one := kindBox{k.Kind, k.Meaning, slices.Contains(chosen, k.Kind)}
		groups[i].Kinds = append(groups[i].Kinds, one)
		groups[i].Open = groups[i].Open || one.On
	}
	return groups
}

// hookForm is the form of a webhook.
type hookForm struct {
	formPage
	Groups []kindGroup
	// Kinds are the chosen kinds when the form was made.
	Kinds string
	Fault string // of the kinds
	Edits bool
}

// formOf returns the form of a webhook.
func formOf(c *console.Call, w storage.Webhook, edits bool) hookForm {
	f := hookForm{Edits: edits, Kinds: strings.Join(w.Kinds, " ")}
	fields := []console.Field{
		{Name: "url", Label: "settings.webhook_url", Hint: "settings.webhook_url_hint", Kind: "url", Value: w.URL,
			Required: true, Max: 2048},
		{Name: "description", Label: "settings.description", Value: w.Description, Max: 500},
		{Name: "disabled", Label: "settings.webhook_disabled", Kind: "checkbox", Checked: w.Disabled},
	}
	for i := range fields {
		fields[i].Keeps = edits
	}
	f.Form = c.Form(fields...)
	f.Fault = ui.FaultsOf(c.Request).Fault("kinds")
	f.Groups = kindGroups(strings.Fields(ui.Typed(c.Request, "kinds", f.Kinds)))
	return f
}

// said returns what the form says of a webhook. It puts the chosen kinds together, so that they can be kept and
// compared.
func said(c *console.Call) webhooks.Said {
	kinds := c.PostForm["kind"]
	c.PostForm.Set("kinds", strings.Join(kinds, " "))
	return webhooks.Said{URL: c.Value("url"), Description: c.Value("description"), Kinds: kinds,
		Disabled: c.Value("disabled") == "1"}
}

// hookFields are the fields that keep what was typed.
var hookFields = []string{"url", "description", "disabled", "kinds"}

// refuseHook says what is wrong with a webhook.
func refuseHook(c *console.Call, err error) error {
	switch {
	case errors.Is(err, webhooks.ErrAddress):
		err = c.Wrong("url", "settings.webhook_url_wrong")
	case errors.Is(err, webhooks.ErrKind):
		err = c.Wrong("kinds", "settings.webhook_kind_wrong")
	case errors.Is(err, webhooks.ErrTooMany):
		err = c.Wrong("url", "settings.webhook_many", storage.MostWebhooks)
	}
	return c.Refuse(err, hookFields...)
}

// addPage is the form of a new webhook.
func (p place) addPage(c *console.Call) error {
	f := formOf(c, storage.Webhook{}, false)
	f.Action, f.Button = c.Link(root+"/webhooks/add"), c.T("settings.add_webhook")
	return c.ShowView("webhookform", c.View("settings.add_webhook").BackTo("settings.at.webhooks", root+"/webhooks"), f)
}

// add adds a webhook, and shows its secret once.
func (p place) add(c *console.Call) error {
	w, secret, err := p.manager(c).Add(c.Context(), c.Tenant().ID, said(c))
	if err != nil {
		return refuseHook(c, err)
	}
	return c.Tell(c.To(hookPath(w.ID, "")), console.Notice{Text: c.T("settings.webhook_added"), Secret: secret,
		SecretName: c.T("settings.webhook_secret")})
}

// editPage is the form of a webhook that is there.
func (p place) editPage(c *console.Call) error {
	w, err := p.find(c)
	if err != nil {
		return err
	}
	f := formOf(c, w, true)
	f.Action, f.Button = c.Link(hookPath(w.ID, "/edit")), c.T("console.save")
	return c.ShowView("webhookform", c.View("settings.edit_webhook").BackTo(w.URL, hookPath(w.ID, "")), f)
}

// edit stores what is said of a webhook, unless another administrator has changed the same since the form was shown.
func (p place) edit(c *console.Call) error {
	w, err := p.find(c)
	if err != nil {
		return err
	}
	now, disabled := said(c), ""
	if w.Disabled {
		disabled = "1"
	}
	changed := c.ChangedFields(map[string]string{"url": w.URL, "description": w.Description, "disabled": disabled,
		"kinds": strings.Join(w.Kinds, " ")})
	if len(changed) > 0 {
		return c.Refuse(changed, hookFields...)
	}
	if _, err := p.manager(c).Change(c.Context(), w, now); err != nil {
		return refuseHook(c, err)
	}
	return c.Done(c.To(hookPath(w.ID, "")), "console.saved")
}

// askRotateWebhook says what a new secret does.
func (p place) askRotateWebhook(c *console.Call) error {
	w, err := p.find(c)
	if err != nil {
		return err
	}
	return c.Confirm(console.Confirm{
		Title: c.T("settings.webhook_rotate"), Lead: w.URL, Button: c.T("settings.webhook_rotate"),
		Will: []string{c.T("settings.webhook_rotate_will.1"), c.T("settings.webhook_rotate_will.2")},
		Back: c.To(hookPath(w.ID, ""))})
}

// rotateWebhook gives the webhook a new secret, and shows it once.
func (p place) rotateWebhook(c *console.Call) error {
	w, err := p.find(c)
	if err != nil {
		return err
	}
	w, secret, err := p.manager(c).Rotate(c.Context(), w)
	if err != nil {
		return err
	}
	return c.Tell(c.To(hookPath(w.ID, "")), console.Notice{Text: c.T("settings.webhook_rotated"), Secret: secret,
		SecretName: c.T("settings.webhook_secret")})
}

// askRemoveWebhook says what happens without the webhook.
func (p place) askRemoveWebhook(c *console.Call) error {
	w, err := p.find(c)
	if err != nil {
		return err
	}
	return c.Confirm(console.Confirm{
		Title: c.T("settings.webhook_remove"), Lead: w.URL, Button: c.T("settings.webhook_remove"),
		Danger: true, Final: true,
		Will: []string{c.T("settings.webhook_remove_will.1"), c.T("settings.webhook_remove_will.2")},
		Back: c.To(hookPath(w.ID, ""))})
}

// removeWebhook removes the webhook.
func (p place) removeWebhook(c *console.Call) error {
	if err := p.manager(c).Remove(c.Context(), c.Tenant().ID, c.PathValue("webhook")); err != nil {
		return err
	}
	return c.Done(c.To(root+"/webhooks"), "settings.webhook_removed")
}

// testWebhook sends an event of the type test at once, and says what came back.
func (p place) testWebhook(c *console.Call) error {
	w, err := p.find(c)
	if err != nil {
		return err
	}
	r, to := p.Webhooks.Sender.Test(c.Context(), w), c.To(hookPath(w.ID, ""))
	if r.Accepted() {
		return c.Done(to, "settings.webhook_tested", r.Status, r.Took.Milliseconds())
	}
	return c.Refuse(c.Wrong("", "settings.webhook_failed", r.Line()))
}

// deliveryRow is what was sent to a webhook, or waits for that.
type deliveryRow struct {
	Event, Kind, State, Badge string
	Attempts, Answer          string
	At                        ui.Stamp
	Next                      *ui.Stamp
	Again                     bool // it can be sent again
}

// replays are the periods of which events can be sent again, in hours.
var replays = []int{1, 24, 7 * 24}

// webhook shows a webhook with its deliveries.
func (p place) webhook(c *console.Call) error {
	w, err := p.find(c)
	if err != nil {
		return err
	}
	page := struct {
		hookRow
		Keys  []string
		Added ui.Stamp
		May   bool
		List  console.List
		Sent  []deliveryRow
		Form  console.Form
	}{hookRow: rowOf(c, w), Added: ui.StampOf(c.Words, w.CreatedAt), May: c.May(writeWebhooks...)}
	if page.Keys, err = webhooks.PublicKeys(p.Secrets, w, time.Now()); err != nil {
		return err
	}
	state := c.FormValue("state")
	list := "deliveries of " + w.ID + " " + state
	found, next, err := webhooks.Log(c.Context(), p.Store, c.Tenant().ID, w.ID, console.At[int64](c, list),
		console.PageSize, webhooks.Filter{State: state})
	if err != nil {
		return err
	}
	page.List = console.List{First: c.First(), Filtered: state != ""}
	for _, s := range []string{storage.StateWaiting, storage.StateDelivered, storage.StateDead} {
		page.List.Filters = append(page.List.Filters, c.Toggle("state", s, "settings.delivery."+s))
	}
	if next != 0 {
		if page.List.Next, err = console.PageAfter(c, list, next); err != nil {
			return err
		}
	}
	for _, d := range found {
		page.Sent = append(page.Sent, p.deliveryRow(c, d, page.May))
	}
	again := console.Field{Name: "hours", Label: "settings.replay_since", Kind: "select", Value: "1"}
	for _, hours := range replays {
		n := number(hours)
		again.Options = append(again.Options, console.Option{Value: n, Text: c.T("settings.last." + n)})
	}
	page.Form = c.Form(again)
	v := c.View("settings.webhook").BackTo("settings.at.webhooks", root+"/webhooks")
	return c.ShowView("webhook", v, page)
}

// deliveryRow returns a delivery for the page.
func (p place) deliveryRow(c *console.Call, d storage.WebhookDelivery, may bool) deliveryRow {
	state := d.State()
	row := deliveryRow{Event: d.EventID, Kind: d.Kind, State: c.T("settings.delivery." + state), Badge: "plain",
		Attempts: c.T("settings.attempts", d.Attempts), At: ui.StampOf(c.Words, d.CreatedAt),
		Again: may && state != storage.StateWaiting}
	switch state {
	case storage.StateDead:
		row.Badge = "off"
	case storage.StateDelivered:
		row.Badge = ""
	default:
		row.Next = c.Stamp(d.NextAt)
	}
	if d.Status != 0 || d.Answer != "" {
		row.Answer = webhooks.Result{Status: d.Status, Took: d.Took, Answer: d.Answer}.Line()
	}
	return row
}

// replay sends events again: one, or all of the last hours.
func (p place) replay(c *console.Call) error {
	w, err := p.find(c)
	if err != nil {
		return err
	}
	event, now := c.Value("event"), time.Now()
	since := now
	if event == "" {
		i := slices.IndexFunc(replays, func(n int) bool { return number(n) == c.Value("hours") })
		if i < 0 {
			return &console.Refusal{Status: http.StatusUnprocessableEntity, Title: "settings.webhook",
				Text: "settings.replay_wrong", Back: c.To(hookPath(w.ID, ""))}
		}
		since = now.Add(-time.Duration(replays[i]) * time.Hour)
	}
	count, err := p.manager(c).Replay(c.Context(), w, event, since, now)
	if err != nil {
		return err
	}
	return c.Done(c.To(hookPath(w.ID, "")), "settings.replayed", count)
}
