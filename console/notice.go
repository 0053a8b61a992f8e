package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
)

const (
	noticeCookie = "console"
	// noticeLife is how long a browser has to follow the redirect.
	noticeLife = 2 * time.Minute
)

// Notice is what a page says after a change. It travels in a sealed cookie to one page of one session: no link can make
// a page say something.
type Notice struct {
	Text string
	// Undo is the form that takes the change back, if it can be; its button says UndoText.
	Undo string `json:",omitempty"` // a path, as Call.To returns it
	// Secret is shown this once, such as a new password; SecretName says what it is.
	Secret, SecretName string `json:",omitempty"`
}

// sealedNotice is a Notice on the way to its page.
type sealedNotice struct {
	Notice
	Session, Page string
	Until         int64 // Unix seconds
}

// noticeBox seals notices. The tenant is that of the session, whose cookies the browser has.
func (c *Call) noticeBox() *secret.Box {
	return c.config.Secrets.Box(c.Administrator.User.TenantID, secret.ConsoleNotice)
}

// Done ends a change: it redirects to a page, as To returns it, which says the text with the given id.
func (c *Call) Done(to, text string, args ...any) error {
	return c.Tell(to, Notice{Text: c.T(text, args...)})
}

// Tell is Done with all of a Notice.
func (c *Call) Tell(to string, n Notice) error {
	plain, err := json.Marshal(sealedNotice{n, c.Administrator.ID, to, time.Now().Add(noticeLife).Unix()})
	if err != nil {
		return err
	}
	browser.SetCookie(c.W, c.Request, noticeCookie, c.noticeBox().SealString(plain), noticeLife)
	return c.Go(to)
}

// longestUndo is how many bytes the path that takes a change back has at most: it travels in the cookie, of which
// browsers keep 4096 bytes.
const longestUndo = 2200

// UndoBy returns the form that takes a change back, for Notice.Undo: page gets what was, sealed for this session. It
// returns "" if that is too long to travel.
func (c *Call) UndoBy(page string, was any) (string, error) {
	plain, err := json.Marshal(was)
	if err != nil {
		return "", err
	}
	to := c.To(page, "was", c.Seal(plain))
	if len(to) > longestUndo {
		return "", nil
	}
	return to, nil
}

// Undo reads what UndoBy sealed for the page. It returns storage.ErrNotFound for what it did not seal.
func (c *Call) Undo(was any) error {
	plain, err := c.Unseal(c.FormValue("was"))
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, was)
}

// Overtaken returns the refusal of a change that another one has overtaken, with a way back.
func Overtaken(back string) error {
	return &Refusal{Status: http.StatusConflict, Title: "console.stale.title", Text: "console.stale", Back: back}
}

// takeNotice returns what the page says, and has the browser forget it.
func (c *Call) takeNotice() *Notice {
	sealed := browser.Cookie(c.Request, noticeCookie)
	if sealed == "" || c.Method != http.MethodGet {
		return nil
	}
	var n sealedNotice
	plain, err := c.noticeBox().OpenString(sealed)
	if err != nil || json.Unmarshal(plain, &n) != nil || n.Session != c.Administrator.ID || !samePage(n.Page, c.here()) {
		return nil
	}
	browser.SetCookie(c.W, c.Request, noticeCookie, "", 0)
	if time.Now().Unix() > n.Until {
		return nil
	}
	return &n.Notice
}

// samePage reports whether two addresses are of the same page, whatever the order of their parameters.
func samePage(a, b string) bool {
	one, err := url.Parse(a)
	other, err2 := url.Parse(b)
	return err == nil && err2 == nil && one.Path == other.Path && one.Query().Encode() == other.Query().Encode()
}
