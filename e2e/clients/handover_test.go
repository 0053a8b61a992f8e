package clients

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
)

// handover is a web client whose https callback redirects to something else: a program on the
// desktop, an app, or a server on localhost.
type handover struct {
	*testing.T
	s    *vouchsafetest.Server
	all  context.Context // the browser
	ctx  context.Context // its tab
	next atomic.Pointer[string]
	sent chan string // the addresses that Chromium requests
}

// TestCallbacksThatHandOverInChromium: Chromium applies the form-action of a form's page to every
// redirect that follows, even to those after the client's callback. No page that leads back to a
// client may stop them.
func TestCallbacksThatHandOverInChromium(t *testing.T) {
	t.Parallel()
	h := &handover{T: t}
	client := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, *h.next.Load(), http.StatusSeeOther)
	}))
	t.Cleanup(client.Close)
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "arrived")
	}))
	t.Cleanup(local.Close)
	uris := vouchsafetest.Client{"redirect_uris": []string{client.URL + "/callback"},
		"post_logout_redirect_uris": []string{client.URL + "/bye"}}
	own := vouchsafetest.Web.With(uris).With(vouchsafetest.Client{"client_id": "own"})
	theirs := vouchsafetest.Third.With(uris).With(vouchsafetest.Client{"client_id": "theirs"})
	h.s = vouchsafetest.Start(t, vouchsafetest.Options{Clients: []vouchsafetest.Client{own, theirs}})
	h.all = chromiumtest.New(t)
	jo := h.s.Jo(t)
	named := false
	for _, next := range []string{"claude://done", "com.example.app:/done",
		strings.Replace(local.URL, "127.0.0.1", "localhost", 1) + "/done"} {
		h.next.Store(&next)
		signIn := func() {
			if !named { // later the page knows the user
				chromiumtest.Submit(t, h.ctx, chromedp.SendKeys(chromedp.ID("login"), jo.Email+"\n"))
			}
			named = true
			chromiumtest.Do(t, h.ctx, chromedp.SendKeys(chromedp.ID("password"), jo.Password))
		}
		h.open(vouchsafetest.NewRequest(own, "prompt", "login").Path())
		signIn()
		h.leads("sign-in", `form button.primary`)
		h.open(vouchsafetest.NewRequest(own, "prompt", "login", "response_mode", "form_post").Path())
		signIn()
		h.leads("form_post", `form button.primary`)
		h.open(vouchsafetest.NewRequest(own, "prompt", "select_account").Path())
		h.leads("select", `button.account`)
		h.open(vouchsafetest.NewRequest(theirs, "prompt", "consent").Path())
		h.leads("consent", `button[value="allow"]`)
		h.open("/logout?" + vouchsafetest.Values("client_id", "own", "post_logout_redirect_uri", client.URL+"/bye").Encode())
		h.leads("sign-out", `form button.primary`)
		named = false
	}
}

// open shows a page in a new tab, because a tab that tried to open a program accepts no more
// clicks.
func (h *handover) open(path string) {
	h.Helper()
	var cancel context.CancelFunc
	h.ctx, cancel = chromedp.NewContext(h.all)
	h.Cleanup(cancel)
	if err := chromedp.Do(h.ctx); err != nil { // it lasts as long as its first action's context
		h.Fatal(err)
	}
	if _, err := chromedp.Call(h.ctx, security.SetIgnoreCertificateErrors,
		security.SetIgnoreCertificateErrorsParams{Ignore: true}); err != nil {
		h.Fatal(err)
	}
	sent := make(chan string, 1000)
	if err := chromedp.Listen(h.ctx, func(ev any) {
		if e, ok := ev.(*network.EventRequestWillBeSent); ok {
			sent <- e.Request.URL
		}
	}); err != nil {
		h.Fatal(err)
	}
	h.sent = sent
	chromiumtest.Do(h, h.ctx, chromedp.Navigate(h.s.Issuer+path))
}

// leads presses the button of a page, and waits until Chromium requests the address that the
// client's callback redirects to.
func (h *handover) leads(page, button string) {
	h.Helper()
	chromiumtest.Do(h, h.ctx, chromedp.Click(chromedp.CSS(button)))
	var went []string
	for patience := time.After(time.Minute); ; {
		select {
		case to := <-h.sent:
			went = append(went, to)
			if strings.HasPrefix(to, *h.next.Load()) {
				return
			}
		case <-patience:
			h.Fatalf("%s: Chromium did not go on to %s, only to %.100q", page, *h.next.Load(), went)
		}
	}
}
