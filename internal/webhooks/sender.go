package webhooks

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// Timeout bounds an attempt, from the look-up of the name to the answer.
	Timeout = 15 * time.Second
	// shown is how many bytes of an answer are kept.
	shown = 1 << 10
)

// Sender sends events to webhooks.
type Sender struct {
	Secrets *secret.Masters
	Reach   outbound.Config // which addresses it may reach
	client  *http.Client
}

// NewSender returns one that may reach what reach allows.
func NewSender(secrets *secret.Masters, reach outbound.Config) *Sender {
	if reach.Timeout == 0 {
		reach.Timeout = Timeout
	}
	reach.MaxBody, reach.KeepAlive = 1<<20, true
	return &Sender{Secrets: secrets, Reach: reach, client: outbound.Client(reach)}
}

// Result is how an attempt ended.
type Result struct {
	Status int // of the answer; 0 if there was none
	Took   time.Duration
	Answer string // its beginning, or why there was none
}

// Accepted reports whether the webhook took the event.
func (r Result) Accepted() bool { return r.Status >= 200 && r.Status <= 299 }

// Send sends an event once.
func (s *Sender) Send(ctx context.Context, w storage.Webhook, b Body) Result {
	began := time.Now()
	status, answer, err := s.post(ctx, w, b, began)
	if err != nil {
		answer = err.Error()
	}
	return Result{status, time.Since(began), outbox.Readable(answer, shown)}
}

// post sends an event, and returns the status and the beginning of the answer.
func (s *Sender) post(ctx context.Context, w storage.Webhook, b Body, now time.Time) (int, string, error) {
	keys, err := openKeys(s.Secrets, w)
	if err != nil {
		return 0, "", err
	}
	body, err := encode(b)
	if err != nil {
		return 0, "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Vouchsafe")
	r.Header.Set("Webhook-Id", b.ID)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("Webhook-Signature", sign(keys, b.ID, now, body))
	resp, err := s.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	// The status decides. An answer that breaks off is shown as far as it came.
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, shown))
	return resp.StatusCode, string(answer), nil
}

// Test sends an event that tells of nothing.
func (s *Sender) Test(ctx context.Context, w storage.Webhook) Result {
	return s.Send(ctx, w, Body{Type: "test", ID: uuid.Must(uuid.NewV7()).String(), Timestamp: time.Now().UTC(),
		Tenant: w.TenantID})
}
