package console

import (
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/people/administration"
)

// useCookie holds when the console was used last, and in which session: "SESSION SECONDS", sealed. The session's own
// time of use does not tell: apps move it, too, and it is written once an hour.
const useCookie = "console-use"

// checkSession returns an error unless the administrator's sign-in is as their own tenant demands, and notes that the
// console was used. It comes before everything else that the console does for the request.
func (c *Call) checkSession() error {
	rules := web.TenantOf(c.Context()).Settings.Administrators
	used := c.lastUse()
	if err := administration.CheckSignIn(rules, c.Administrator.AuthTime, used, c.Administrator.ACR); err != nil {
		return c.proveBy(err)
	}
	// What a page of the console asks for by itself is no use of it.
	mode := c.Header.Get("Sec-Fetch-Mode")
	now := time.Now()
	idle := time.Duration(rules.SessionIdle)
	if idle == 0 || mode != "" && mode != "navigate" || now.Sub(used) < min(idle/20, time.Minute) {
		return nil
	}
	sealed := c.useBox().SealString([]byte(c.Administrator.ID + " " + strconv.FormatInt(now.Unix(), 10)))
	browser.SetCookie(c.W, c.Request, useCookie, sealed, idle)
	return nil
}

// lastUse returns when the console was used last in this session, by what the browser holds: at least the time of the
// sign-in.
func (c *Call) lastUse() time.Time {
	since := c.Administrator.AuthTime
	plain, err := c.useBox().OpenString(browser.Cookie(c.Request, useCookie))
	session, seconds, _ := strings.Cut(string(plain), " ")
	if err != nil || session != c.Administrator.ID {
		return since
	}
	if n, err := strconv.ParseInt(seconds, 10, 64); err == nil && time.Unix(n, 0).After(since) {
		return time.Unix(n, 0)
	}
	return since
}

// useBox seals the cookie. The tenant is that of the session.
func (c *Call) useBox() *secret.Box {
	return c.config.Secrets.Box(c.Administrator.User.TenantID, secret.ConsoleUse)
}
