package signin

import "github.com/vouchsafe/vouchsafe/console"

// card leads to a page.
type card struct {
	console.Anchor
	Hint string
}

// indexPage is the first page: what holds now, and where it is changed.
type indexPage struct {
	Rules    []card // Hint is the value
	Edit     bool
	Cards    []card
	Declared bool
}

// index shows the rules that hold.
func (p place) index(c *console.Call) error {
	t, err := p.own(c)
	if err != nil {
		return err
	}
	page := indexPage{Edit: c.May(write...), Declared: p.Declared}
	for _, f := range c.Form(ruleFields(c, t.Settings)...).Fields {
		value := f.Value
		if f.Name == "reserved" && t.Settings.SignUp.ReservedUsernames == nil {
			continue // a long list that the tenant did not choose
		}
		switch f.Kind {
		case "checkbox":
			value = c.T("console.no")
			if f.Checked {
				value = c.T("console.yes")
			}
		case "select":
			for _, o := range f.Options {
				if o.Value == f.Value {
					value = o.Text
				}
			}
		}
		if value == "" {
			value = "–"
		}
		page.Rules = append(page.Rules, card{console.Anchor{Text: f.Label}, value})
	}
	for _, at := range []struct {
		id     string
		scopes []string
	}{{"branding", write}, {"mails", read}, {"upstreams", readUpstreams}} {
		if c.May(at.scopes...) {
			page.Cards = append(page.Cards, card{
				console.Anchor{URL: c.Link(root + "/" + at.id), Text: c.T("sign-in.at." + at.id)}, c.T("sign-in.hint." + at.id)})
		}
	}
	return c.Show("index", "place.sign-in", page)
}
