package relay

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
	"github.com/vouchsafe/vouchsafe/people/mail"
)

// Webhook sends text messages through an HTTP endpoint of the operator's: a few lines of code in
// front of an SMS provider.
type Webhook struct {
	url    string
	key    []byte
	client *http.Client
}

// NewWebhook returns a Webhook for the URL. Requests are signed with the secret. It returns an
// error if the URL is not https, except on this machine, or if the secret is too short.
func NewWebhook(rawURL, secret string, client *http.Client) (*Webhook, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("is not a URL: write one such as https://sms.internal/send")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" &&
		(err != nil || !ip.IsLoopback()) {
		return nil, errors.New("is not encrypted: write https://; http is for a webhook on this machine only")
	}
	if len(secret) < 16 {
		return nil, errors.New("needs a secret of at least 16 characters: make one with `openssl rand -base64 24`")
	}
	return &Webhook{url: rawURL, key: []byte(secret), client: client}, nil
}

// textMessage is the body of a request. ID is the same for every attempt.
type textMessage struct {
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	To     string `json:"to"` // E.164
	Text   string `json:"text"`
}

// Send implements Sender. A status of 2xx means that the message was accepted. 400 and 422 mean
// that the number cannot get messages. Every other answer is tried again.
func (h *Webhook) Send(ctx context.Context, m *mail.Message) error {
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
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	switch {
	case resp.StatusCode/100 == 2:
		return nil
	case resp.StatusCode == http.StatusBadRequest, resp.StatusCode == http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: text message: the webhook answered %d", outbox.ErrPermanent, resp.StatusCode)
	}
	return fmt.Errorf("text message: the webhook answered %d", resp.StatusCode)
}

// sign returns the signature of a request: t=SECONDS,v1=HEX, where HEX is the HMAC-SHA256 of
// "SECONDS.BODY". The webhook can refuse an old signature, which an attacker may have recorded.
func (h *Webhook) sign(now time.Time, body []byte) string {
	at := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return "t=" + at + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// unaddressed returns err without the URL, which may contain a key in its query.
func unaddressed(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
