package people

import (
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// personPage is what the page of a user shows.
type personPage struct {
	ID, Name string
	Badges   []badge
	May      bool // change the user
	Outranks bool // the user is an administrator who may do more than the reader
	Groups   bool // the reader may change memberships
	Actions  []console.Anchor
	Danger   []console.Anchor
	Direct   []console.Option // actions that one click does
	Facts    []fact
	Proofs   []fact
	Passkeys []passkeyRow
	Linked   []linkedRow
	Member   []memberRow
	Roles    []string
	Offered  []storage.Group // to join
	Sessions []sessionRow
	Apps     []appRow
	Why      []reason
	Lift     string // the page that lifts limits, if these may be why
	Events   []eventRow
	History  bool
}

// fact is something about the user, with a badge perhaps.
type fact struct {
	Name, Text string
	Badge      *badge
	At         *ui.Stamp
}

type passkeyRow struct {
	ID, Name string
	Added    ui.Stamp
	Used     *ui.Stamp
}

type linkedRow struct {
	Provider, Subject, Name, Email string
	Since                          ui.Stamp
}

type memberRow struct {
	ID, Title, Upstream string
}

type sessionRow struct {
	ID, Device, IP string
	Seen           ui.Stamp
	Acting         bool
}

type appRow struct {
	ID, Name, Scopes string
	Since            ui.Stamp
}

// eventRow is an event about the user.
type eventRow struct {
	What, App, IP, Detail, Kind string
	At                          ui.Stamp
}

// badge is a short word about a user.
type badge struct{ Text, Kind string }

// joined returns words in one line.
func joined(all []string) string { return strings.Join(all, " ") }

// badgesOf returns what a reader should know of the user at the first look.
func badgesOf(c *console.Call, u storage.User, secondFactor bool) (all []badge) {
	if u.AdminRole != "" {
		all = append(all, badge{c.T("people.role." + u.AdminRole), "plain"})
	}
	switch {
	case !u.SecuredAt.IsZero():
		all = append(all, badge{c.T("people.badge.secured"), "off"})
	case u.Disabled:
		all = append(all, badge{c.T("people.badge.disabled"), "off"})
	}
	if u.Email != "" && !u.EmailVerified {
		all = append(all, badge{c.T("people.badge.unverified"), "warn"})
	}
	if secondFactor {
		all = append(all, badge{c.T("people.badge.secure"), ""})
	}
	return all
}
