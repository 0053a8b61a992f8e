package mail

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/outbox"
)

// Webhook has text messages sent by whoever answers at a URL: a few lines in front of the
// provider that an operator has.
type Webhook struct {
	url    string
	key    []byte
	client *http.Client
}

// NewWebhook reads where to ask. What it sends is signed with the secret.
func NewWebhook(rawURL, secret string, client *http.Client) (*Webhook, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("is not a URL: write one such as https://sms.internal/send")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
		return nil, errors.New("is not encrypted: write https://; http is for a webhook on this machine only")
	}
	if len(secret) < 16 {
		return nil, errors.New("needs a secret of at least 16 characters: make one with `openssl rand -base64 24`")
	}
	return &Webhook{url: rawURL, key: []byte(secret), client: client}, nil
}

// textMessage is what the webhook gets. id is the same at every attempt.
type textMessage struct {
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	To     string `json:"to"` // E.164
	Text   string `json:"text"`
}

// Send implements Sender. 2xx is taken; 400 and 422 are for a number that nothing can be
// sent to; all else is tried again.
func (h *Webhook) Send(ctx context.Context, m *Message) error {
	body, err := json.Marshal(textMessage{ID: m.ID, Tenant: m.TenantID, To: m.To, Text: m.Text})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("text message: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", m.ID)
	req.Header.Set("Vouchsafe-Signature", h.sign(time.Now(), body))
	resp, err := h.client.Do(req)
	if err != nil {
		return fmt.Errorf("text message: %w", unaddressed(err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection serves again
	switch {
	case resp.StatusCode/100 == 2:
		return nil
	case resp.StatusCode == http.StatusBadRequest, resp.StatusCode == http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: text message: the webhook answered %d", outbox.ErrPermanent, resp.StatusCode)
	}
	return fmt.Errorf("text message: the webhook answered %d", resp.StatusCode)
}

// sign lets the webhook know who asks, and when: t=SECONDS,v1=HEX, an HMAC-SHA256 of
// "SECONDS.BODY". An old one is somebody's who listened.
func (h *Webhook) sign(now time.Time, body []byte) string {
	at := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return "t=" + at + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// unaddressed is err without the URL, which may hold a key in its query.
func unaddressed(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
