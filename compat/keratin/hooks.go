package keratin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/delegated"
	"github.com/vouchsafe/vouchsafe/storage"
)

// HookWaits are the pauses before a webhook is tried again. After the last one it waits as long as mails do.
var HookWaits = []time.Duration{
	time.Second, 3 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute,
}

// hookTimeout bounds an attempt.
const hookTimeout = 10 * time.Second

// Hooks posts to the app's server what waits in the outbox. It implements outbox.Sender.
type Hooks struct {
	Secrets *secret.Masters
	// URLs are where to post, by the hook (delegated.HookReset and so on). A URL may have a username and a password.
	URLs map[string]string
	// SigningKey signs what is posted, unless it is empty.
	SigningKey string
	Client     *http.Client
}

// Send implements outbox.Sender.
func (h Hooks) Send(ctx context.Context, d storage.Delivery) error {
	to := h.URLs[d.Template]
	if to == "" { // it was set when the delivery was stored
		return fmt.Errorf("%w: no URL is set for %s", outbox.ErrPermanent, d.Template)
	}
	told, err := delegated.OpenAnnouncement(h.Secrets, d)
	if err != nil {
		return errors.Join(outbox.ErrPermanent, err)
	}
	form := url.Values{"account_id": {strconv.FormatInt(told.Account, 10)}}
	if told.Token != "" {
		form.Set("token", told.Token)
	}
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	return h.post(ctx, to, form.Encode()) // sorted by name, as the signature wants it
}

// post posts a form. Errors quote neither the form nor what opens the URL.
func (h Hooks) post(ctx context.Context, to, form string) error {
	u, err := url.Parse(to)
	if err != nil {
		return fmt.Errorf("%w: the URL cannot be read", outbox.ErrPermanent)
	}
	login := u.User
	u.User = nil
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form))
	if err != nil {
		return fmt.Errorf("%w: the URL cannot be asked", outbox.ErrPermanent)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if login != nil {
		password, _ := login.Password()
		req.SetBasicAuth(login.Username(), password)
	}
	if h.SigningKey != "" {
		mac := hmac.New(sha256.New, []byte(h.SigningKey))
		mac.Write([]byte(form))
		req.Header.Set("X-Authn-Notification-Signature", hex.EncodeToString(mac.Sum(nil)))
	}
	client := *h.Client
	// A redirect could give the token to another host.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 1<<10) // so that the connection can be used again
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the app answered %s", res.Status)
	}
	return nil
}
