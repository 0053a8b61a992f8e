package apps

import (
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/backchannel"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// logoutRow is the end of a session of which the app was told, or is to be told.
type logoutRow struct {
	Session, User, State, Badge string
	Attempts, Answer            string
	At                          ui.Stamp
	Next                        *ui.Stamp
	Again                       bool // it can be told again
}

// logouts shows of what the app was told.
func (p place) logouts(c *console.Call) error {
	a, err := p.appOf(c)
	if err != nil {
		return err
	}
	state := c.FormValue("state")
	list := "logouts of " + a.ClientID + " " + state
	of := storage.ClientOf{TenantID: a.TenantID, ClientID: a.ClientID}
	found, next, err := backchannel.Log(c.Context(), p.Store, of, console.At[storage.LogoutPlace](c, list),
		console.PageSize, backchannel.Filter{State: state})
	if err != nil {
		return err
	}
	page := struct {
		ID, URI string
		List    console.List
		Told    []logoutRow
	}{ID: a.ClientID, URI: a.BackchannelLogoutURI, List: console.List{First: c.First(), Filtered: state != ""}}
	for _, s := range []string{storage.StateWaiting, storage.StateDelivered, storage.StateDead} {
		page.List.Filters = append(page.List.Filters, c.Toggle("state", s, "settings.delivery."+s))
	}
	if next != (storage.LogoutPlace{}) {
		if page.List.Next, err = console.PageAfter(c, list, next); err != nil {
			return err
		}
	}
	may := c.May(write...) && mayManage(c, a) == nil
	for i := range found {
		page.Told = append(page.Told, rowOfLogout(c, &found[i], may))
	}
	return c.ShowView("logouts", back(c, "apps.told_log", a), page)
}

// rowOfLogout returns the end of a session for the page.
func rowOfLogout(c *console.Call, l *storage.Logout, may bool) logoutRow {
	state := l.State()
	row := logoutRow{Session: l.SessionID, User: l.UserID, State: c.T("settings.delivery." + state), Badge: "plain",
		Attempts: c.T("settings.attempts", l.Attempts), At: ui.StampOf(c.Words, l.EndedAt),
		Again: may && state != storage.StateWaiting}
	switch state {
	case storage.StateDead:
		row.Badge = "off"
	case storage.StateDelivered:
		row.Badge = ""
	default:
		row.Next = c.Stamp(l.NextAt)
	}
	row.Answer = webhooks.Result{Status: l.Status, Answer: l.Answer}.Line()
	return row
}

// replayLogout tells the app again of the end of a session.
func (p place) replayLogout(c *console.Call) error {
	a, err := p.managed(c)
	if err != nil {
		return err
	}
	of, session := storage.ClientOf{TenantID: a.TenantID, ClientID: a.ClientID}, c.Value("ended")
	count := int64(0)
	if session != "" { // "" would stand for all
		now := time.Now()
		if count, err = backchannel.Replay(c.Context(), p.Store, of, session, now, now, c.Asker.Event); err != nil {
			return err
		}
	}
	return c.Done(c.To(root+"/logouts", "id", a.ClientID), "settings.replayed", count)
}
