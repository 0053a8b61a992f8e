package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	devtools "github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/internal/chromiumtest"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/settings"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// TestMailbox reads a mail of an embedded server in a real browser, and follows its link.
func TestMailbox(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	r := sh.serve(t)
	if !strings.Contains(r.out.String(), r.issuer+"/dev/mail") {
		t.Errorf("the greeting does not tell of the mailbox:\n%s", r.out.String())
	}
	secrets, err := installation.Masters(&settings.Config{Data: filepath.Join(sh.dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	s, err := installation.OpenStore(t.Context(), &settings.Config{Data: filepath.Join(sh.dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	to := &issuer.Tenant{Tenant: storage.Tenant{ID: storage.DefaultTenant, Name: "Acme"}}
	m, err := (&mail.Mailer{Secrets: secrets}).Compose(to, "jo@example.com", "en", "reset-password",
		map[string]string{"Code": "1234 5678", "Link": r.issuer + "/login?from=mail"})
	if err != nil {
		t.Fatal(err)
	}
	decoy := m
	decoy.ID, decoy.Template = "decoy", ""
	if err := storagetest.Enqueue(t.Context(), s, decoy, m); err != nil {
		t.Fatal(err)
	}
	var all []struct{ ID, To, Subject string }
	for deadline := time.Now().Add(2 * time.Minute); len(all) == 0 &&
		time.Now().Before(deadline); time.Sleep(300 * time.Millisecond) {
		res, err := http.Get(r.issuer + "/dev/mail.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	if len(all) != 1 || all[0].ID != m.ID || all[0].To != "jo@example.com" {
		t.Fatalf("got %+v, want one mail to jo", all)
	}

	p := &player{t, chromiumtest.New(t)}
	chromiumtest.Do(t, p.ctx, chromedp.Navigate(r.issuer+"/dev/mail"))
	p.picture("mailbox", 1280, 800)
	p.picture("mailbox-phone", 320, 780)
	chromiumtest.Submit(t, p.ctx, chromedp.Click(chromedp.CSS(".letters a")))
	p.picture("mail", 1280, 800)
	p.picture("mail-phone", 320, 780)
	chromiumtest.Submit(t, p.ctx, chromedp.Click(chromedp.CSS("pre.letter a")))
	if got := chromiumtest.Run(t, p.ctx, chromedp.Location()); got != r.issuer+"/login?from=mail" {
		t.Errorf("the link in the text led to %s", got)
	}

	// The HTML opens its links beside itself, and runs nothing.
	chromiumtest.Do(t, p.ctx, chromedp.Navigate(r.issuer+"/dev/mail/"+m.ID+"/html"))
	opened := chromedp.WaitNewTarget(p.ctx, func(i *devtools.Info) bool {
		return strings.HasSuffix(i.URL, "/login?from=mail")
	})
	chromiumtest.Do(t, p.ctx, chromedp.Click(chromedp.CSS("a")))
	select {
	case <-opened:
	case <-time.After(time.Minute):
		t.Error("the link in the HTML did not open")
	}
}
