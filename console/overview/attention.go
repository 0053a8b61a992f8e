package overview

import (
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// mostShown bounds how many dead messages, webhooks and administrators are looked at.
	mostShown = 100
	// lateAfter is how long a message waits before that is worth a word.
	lateAfter = 15 * time.Minute
	// soon is how long before its end a signing key without a successor is worth a word. Servers make one before.
	soon = 3 * 24 * time.Hour
)

// matter is something that needs attention, and where it is dealt with.
type matter struct{ Text, URL string }

// state is how one part of the server is.
type state struct {
	Name, Text string
	Bad        bool
	// At is until when a signing key signs.
	At *ui.Stamp
}

// say adds a matter with a link to a page, if the reader may open it.
func (s *standing) say(c *console.Call, page, text string, args ...any) {
	m := matter{Text: c.T(text, args...)}
	if page != "" && c.Has(page) {
		m.URL = c.Link(page)
	}
	s.Matters = append(s.Matters, m)
}

// fillHealth adds how the parts of the server are. Only the operator learns what exactly fails, from the server's log.
func (p Config) fillHealth(c *console.Call, s *standing) error {
	if p.Health == nil {
		return nil
	}
	for name, check := range p.Health(c.Context()).Checks {
		one := state{Name: c.T("overview.health." + name), Text: c.T("overview.works")}
		if one.Bad = check.Status != "ok"; one.Bad {
			one.Text = c.T("overview.fails")
			s.say(c, "", "overview.matter."+name)
		}
		s.States = append(s.States, one)
	}
	slices.SortFunc(s.States, func(a, b state) int { // the database first
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return nil
}

// fillMail adds whether messages are sent.
func (p Config) fillMail(c *console.Call, s *standing) error {
	if !c.May("mail:read") {
		return nil
	}
	one := state{Name: c.T("overview.health.mail"), Text: c.T("overview.works")}
	dead, err := p.Store.DeadDeliveries(c.Context(), c.Tenant().ID, "", mostShown)
	if err != nil {
		return err
	}
	if len(dead) > 0 {
		s.say(c, "/settings/mail", "overview.matter.dead", len(dead))
	}
	waiting, err := p.Store.WaitingDeliveries(c.Context(), c.Tenant().ID, "", 1)
	if err != nil {
		return err
	}
	switch {
	case !p.SendsMail:
		one.Text = c.T("overview.no_mail")
	case len(waiting) > 0 && time.Since(waiting[0].CreatedAt) > lateAfter:
		one.Bad, one.Text = true, c.T("overview.late")
		s.say(c, "/settings/mail", "overview.matter.late")
	}
	s.States = append(s.States, one)
	return nil
}

// fillKeys adds until when each signing key signs.
func (p Config) fillKeys(c *console.Call, s *standing) error {
	if !c.May("keys:read") || p.Keys == nil {
		return nil
	}
	now := time.Now()
	stored, err := p.Store.Keys(c.Context(), c.Tenant().ID, time.Time{})
	if err != nil {
		return err
	}
	uses := p.Keys.Uses(stored, now)
	for _, u := range uses {
		if u.State != keys.Signs {
			continue
		}
		until := ui.StampOf(c.Words, u.SignsUntil)
		one := state{Name: c.T("overview.key", u.Algorithm), Text: c.T("overview.until"), At: &until}
		next := slices.ContainsFunc(uses, func(v keys.Use) bool {
			return v.State == keys.Waits && v.Algorithm == u.Algorithm
		})
		if one.Bad = !next && u.SignsUntil.Sub(now) < soon; one.Bad {
			s.say(c, "/settings/keys", "overview.matter.key", u.Algorithm)
		}
		s.States = append(s.States, one)
	}
	return nil
}

// fillWebhooks adds webhooks that get nothing.
func (p Config) fillWebhooks(c *console.Call, s *standing) error {
	if !c.May("webhooks:read") {
		return nil
	}
	hooks, err := p.Store.Webhooks(c.Context(), c.Tenant().ID, "", storage.MostWebhooks)
	if err != nil {
		return err
	}
	failing := 0
	for _, h := range hooks {
		if !h.Disabled && !h.FailingSince.IsZero() {
			failing++
		}
	}
	if failing > 0 {
		s.say(c, "/settings/webhooks", "overview.matter.webhooks", failing)
	}
	return nil
}

// fillAdministrators adds administrators whose account a password alone opens.
func (p Config) fillAdministrators(c *console.Call, s *standing) error {
	if !c.May("administrators:read") {
		return nil
	}
	all, err := p.Accounts.Administrators(c.Context(), c.Asker, "", mostShown)
	if err != nil {
		return err
	}
	var ids []string
	for _, u := range all {
		if !u.Disabled {
			ids = append(ids, u.ID)
		}
	}
	standings, err := p.Accounts.Store.Standings(c.Context(), c.Tenant().ID, ids)
	if err != nil {
		return err
	}
	bare := 0
	for _, id := range ids {
		if !standings[id].SecondFactor {
			bare++
		}
	}
	if bare > 0 {
		s.say(c, "/settings/administrators", "overview.matter.administrators", bare)
	}
	return nil
}
