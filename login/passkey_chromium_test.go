package login

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
)

// without takes a part of the browser away, from the next page on, and gives it back when
// undo is called.
func without(t *testing.T, ctx context.Context, script string) (undo func()) {
	t.Helper()
	added, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument,
		page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := chromedp.Call(ctx, page.RemoveScriptToEvaluateOnNewDocument,
			page.RemoveScriptToEvaluateOnNewDocumentParams{Identifier: added.Identifier}); err != nil {
			t.Fatal(err)
		}
	}
}

const noAutofill = `PublicKeyCredential.isConditionalMediationAvailable = async () => false`

// arrives waits until the browser shows the page at the path.
func (c *chrome) arrives(path string) {
	c.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		// Fails while a page goes.
		at, err := chromedp.Run(c.ctx, chromedp.Evaluate[string](`document.readyState === "complete" ? location.href : ""`))
		if err == nil && at == c.url+path {
			return
		}
	}
	c.t.Fatalf("got to %s, want %s: %s", c.where(), path,
		chromiumtest.Run(c.t, c.ctx, chromedp.Text(chromedp.CSS("body"))))
}

// plug puts a passkey into the device.
func (c *chrome) plug(id webauthn.AuthenticatorID, key *webauthn.Credential) {
	c.t.Helper()
	if _, err := chromedp.Call(c.ctx, webauthn.AddCredential,
		webauthn.AddCredentialParams{AuthenticatorID: id, Credential: key}); err != nil {
		c.t.Fatal(err)
	}
}

// press clicks what a script has to answer first, before it loads a page.
func (c *chrome) press(selector string) {
	c.t.Helper()
	chromiumtest.Do(c.t, c.ctx, chromedp.Click(chromedp.CSS(selector)))
}

func (c *chrome) shows(selector string) bool {
	c.t.Helper()
	return chromiumtest.Run(c.t, c.ctx,
		chromedp.Evaluate[bool](`!!document.querySelector("`+selector+`")?.checkVisibility()`))
}

// watchPasskeys writes down what a page asks for: "conditional" for the list of a field, "button", and "abort" when a
// question ends.
const watchPasskeys = `{
	const get = navigator.credentials.get.bind(navigator.credentials)
	const note = what => { sessionStorage.asked = (sessionStorage.asked ?? "") + what + " " }
	navigator.credentials.get = o => {
		note(o.mediation ?? "button")
		o.signal.addEventListener("abort", () => note("abort"))
		return get(o)
	}
}`

// asked waits until the pages have asked for passkeys in this order; see watchPasskeys.
func (c *chrome) asked(want string) {
	c.t.Helper()
	got := ""
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		if got, err = chromedp.Run(c.ctx, chromedp.Evaluate[string](`sessionStorage.asked ?? ""`)); err == nil &&
			strings.TrimSpace(got) == want {
			return
		}
	}
	c.t.Fatalf("the pages asked %q, want %q", got, want)
}

// TestSigningInByPasskeyInChromium has a real browser answer: in the field's list, by the
// button, and to confirm.
func TestSigningInByPasskeyInChromium(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "", right)
	device := passkeytest.New(t, s.url)
	device.Transport = "internal"
	key := s.passkey(jo, device)
	c := &chrome{s, chromiumtest.New(t)}

	// A device that has no passkey of ours: the button says that nothing came of it. The browser answers one question at
	// a time, so that the list of the field gives way to the button, and to the name that is sent.
	id := chromiumtest.Authenticator(t, c.ctx, nil)
	unwatch := without(t, c.ctx, watchPasskeys)
	c.open("/login")
	c.asked("conditional")
	c.press(".passkey button")
	chromiumtest.Do(t, c.ctx, chromedp.WaitVisible(chromedp.CSS(".passkey .fault")))
	c.asked("conditional abort button abort conditional")
	c.fill("login", "jo@example.com")
	c.click("#signin .primary")
	// The page that asks for the password offers passkeys in its field again.
	c.asked("conditional abort button abort conditional abort conditional")
	unwatch()
	undo := without(t, c.ctx, noAutofill)
	c.open("/login?other=1")
	c.picture("sign-in-passkey")
	c.press(".passkey button")
	chromiumtest.Do(t, c.ctx, chromedp.WaitVisible(chromedp.CSS(".passkey .fault")))
	if got := chromiumtest.Run(t, c.ctx,
		chromedp.Text(chromedp.CSS(".passkey .fault"))); got != english["passkey.failed"] {
		t.Errorf("no passkey: %q", got)
	}
	c.picture("sign-in-passkey-failed")
	c.plug(id, &webauthn.Credential{CredentialID: device.ID, IsResidentCredential: true, RpID: "localhost",
		PrivateKey: device.Private(t), UserHandle: device.UserHandle, SignCount: 5})
	c.press(".passkey button")
	c.arrives("/account")
	if got := s.storedPasskey(jo, key.ID()).Credential.Authenticator.SignCount; got < 5 {
		t.Errorf("the counter is kept as %d", got)
	}

	q := s.ask("", storage.Interaction{})
	c.open("/login?" + q)
	c.sees("Confirm it’s you")
	c.picture("confirm-passkey")
	c.press(".passkey button")
	c.arrives("/authorize?" + q)

	// The browser offers the passkey by itself; the device says yes at once.
	undo()
	c.open("/login?other=1&" + q)
	c.arrives("/authorize?" + q)
	sessions, err := s.store.SessionsOf(t.Context(), "default", jo.ID, time.Now())
	if err != nil || len(sessions) != 1 || !slices.Equal(sessions[0].AMR, []string{"hwk", "user", "mfa"}) {
		t.Errorf("%+v, %v", sessions, err)
	}
	if !slices.ContainsFunc(s.events("default"), func(e storage.Event) bool {
		return e.Kind == "login.succeeded" && e.Detail["amr"] == "hwk user mfa"
	}) {
		t.Error("the audit trail does not say how")
	}
}

// TestPasskeysOfAnAccountInChromium makes a passkey with a real browser, signs in with it
// and removes it again.
func TestPasskeysOfAnAccountInChromium(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	jo := s.user("default", "jo@example.com", "jo", right)
	c := &chrome{s, chromiumtest.New(t)}
	undo := without(t, c.ctx, noAutofill)
	chromiumtest.Authenticator(t, c.ctx, func(o *webauthn.VirtualAuthenticatorOptions) {
		o.DefaultBackupEligibility, o.DefaultBackupState = true, true
	})
	c.open("/login?next=/account/passkeys")
	c.fill("login", "jo")
	c.click("#signin .primary")
	c.fill("password", right)
	c.click("form button.primary")
	c.sees("Passkeys")
	c.picture("passkeys-none")
	c.fill("passkey-name", "My laptop")
	c.press(".passkey button")
	c.arrives("/account/passkeys?done=passkey-added")
	c.picture("passkeys")
	keys := s.passkeysOf(jo)
	if len(keys) != 1 || keys[0].Name != "My laptop" || !keys[0].SignsIn() || !keys[0].Synced() ||
		string(keys[0].Credential.Attestation.Object) == "" {
		t.Fatalf("stored %+v", keys)
	}
	c.press(".passkey button")
	chromiumtest.Do(t, c.ctx, chromedp.WaitVisible(chromedp.CSS(".passkey .fault")))
	if got := chromiumtest.Run(t, c.ctx,
		chromedp.Text(chromedp.CSS(".passkey .fault"))); got != english["passkeys.exists"] {
		t.Errorf("a second one in the same device: %q", got)
	}
	s.age(jo, people.Freshness)
	c.press(".passkey button")
	c.arrives("/login?next=%2Faccount%2Fpasskeys")
	c.press(".passkey button")
	c.arrives("/account/passkeys")

	c.open("/signout")
	c.click("button.primary")
	undo()
	c.open("/login")
	c.arrives("/account")
	if sessions := s.sessionsOf(jo); len(sessions) != 1 || !slices.Equal(sessions[0].AMR, []string{"swk", "user", "mfa"}) {
		t.Errorf("signed in by %+v", sessions)
	}
	chromiumtest.Script(t, c.ctx, false)
	c.open("/account/passkeys")
	if c.shows(".passkey button") || !c.shows("[data-without-passkeys]") {
		t.Error("a dead button without scripts, or no word about it")
	}
	c.picture("passkeys-without-scripts")
	c.click(".danger")
	c.sees("Passkeys")
	if len(s.passkeysOf(jo)) != 0 {
		t.Error("it is still there")
	}
}

// TestNoDeadPasskeyButton looks at the page of browsers that cannot use it.
func TestNoDeadPasskeyButton(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	s.user("default", "jo@example.com", "", right)
	c := &chrome{s, chromiumtest.New(t)}
	undo := without(t, c.ctx, noAutofill)
	c.open("/login")
	if !c.shows(".passkey button") {
		t.Error("no button in a browser that can")
	}
	undo()
	undo = without(t, c.ctx, `delete window.PublicKeyCredential`)
	c.open("/login")
	if c.shows(".passkey button") {
		t.Error("a dead button in an old browser")
	}
	undo()
	chromiumtest.Script(t, c.ctx, false)
	c.open("/login")
	if c.shows(".passkey button") {
		t.Error("a dead button without scripts")
	}
	c.fill("login", "jo@example.com")
	c.click("#signin .primary")
	c.fill("password", right)
	c.click("button.primary")
	c.sees("Your account")
}

// TestThePolicyStopsOtherScripts has the page with our script asked to run another.
func TestThePolicyStopsOtherScripts(t *testing.T) {
	t.Parallel()
	s := passkeySite(t, nil)
	s.router.HandleFunc("/evil.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write([]byte("document.title = 'ran'"))
	})
	c := &chrome{s, chromiumtest.New(t)}
	c.open("/login")
	elsewhere := strings.Replace(s.url, "localhost", "127.0.0.1", 1) + "/evil.js"
	got := chromiumtest.Run(t, c.ctx, chromedp.Evaluate[string](`new Promise(done => {
		const inline = document.createElement("script"); inline.textContent = "document.title = 'ran'"; document.body.append(inline)
		document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=\"document.title = 'ran'\">")
		const far = document.createElement("script"); far.src = "`+elsewhere+`"
		far.onload = far.onerror = () => setTimeout(() => done(document.title), 200)
		document.body.append(far)
	})`, chromedp.EvalAwaitPromise))
	if !strings.HasPrefix(got, "Sign in") {
		t.Errorf("a script ran: the title is %q", got)
	}
}
