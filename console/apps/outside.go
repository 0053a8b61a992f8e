package apps

import (
	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/storage"
)

// outsideFacts returns what is known of an app that no administrator added; nil for others.
func outsideFacts(c *console.Call, a storage.Client) []fact {
	o := a.Outside
	if o == nil {
		return nil
	}
	verdict := o.Verdict
	if verdict == "" {
		verdict = "none"
	}
	all := []fact{{Name: c.T("apps.origin"), Text: c.T("apps.origin." + o.Origin)},
		{Name: c.T("apps.verdict"), Text: c.T("apps.verdict." + verdict)}}
	if o.Origin == storage.OriginDocument {
		all = append(all, stamped(c, "apps.read_at", o.ReadAt))
	}
	if o.Fault != "" {
		all = append(all, fact{Name: c.T("apps.read_fault"), Text: o.Fault})
	}
	return all
}

// outside returns the app that the request changes, if no administrator added it.
func (p place) outside(c *console.Call) (storage.Client, error) {
	a, err := p.managed(c)
	if err == nil && a.Outside == nil {
		err = storage.ErrNotFound
	}
	return a, err
}

// denyPage says what it does to deny the app.
func (p place) denyPage(c *console.Call) error {
	a, err := p.outside(c)
	if err != nil {
		return err
	}
	return c.Confirm(console.Confirm{Title: c.T("apps.deny_title", nameOf(a)), Button: c.T("apps.deny"), Danger: true,
		Will:   []string{c.T("apps.deny_will.1"), c.T("apps.deny_will.2")},
		Hidden: map[string]string{"id": a.ClientID}, Back: to(c, a)})
}

// judge allows the app, or denies it.
func (p place) judge(verdict string) console.Handler {
	return func(c *console.Call) error {
		a, err := p.outside(c)
		if err != nil {
			return err
		}
		if _, err := clients.Judge(c.Context(), p.Store, a, verdict, c.Asker.Event); err != nil {
			return err
		}
		return c.Done(to(c, a), "apps.did."+verdict, nameOf(a))
	}
}

// refresh has the document of the app read again.
func (p place) refresh(c *console.Call) error {
	a, err := p.outside(c)
	if err == nil {
		_, err = clients.ReadAgain(c.Context(), p.Store, a)
	}
	if err != nil {
		return err
	}
	return c.Done(to(c, a), "apps.did.refresh", nameOf(a))
}
