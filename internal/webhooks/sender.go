package webhooks

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
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
	return &Sender{Secrets: secrets, Reach: reach, client: Client(reach)}
}

// Client returns one that posts to apps at addresses that reach allows.
func Client(reach outbound.Config) *http.Client {
	if reach.Timeout == 0 {
		reach.Timeout = Timeout
	}
	reach.MaxBody, reach.KeepAlive = 1<<20, true
	return outbound.Client(reach)
}

// Result is how an attempt ended.
type Result struct {
	Status int // of the answer; 0 if there was none
	Took   time.Duration
	Answer string // its beginning, or why there was none
}

// Accepted reports whether the webhook took the event.
func (r Result) Accepted() bool { return r.Status >= 200 && r.Status <= 299 }

// Line returns the answer in a line, for a page.
func (r Result) Line() string {
	text := r.Answer
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	if r.Status == 0 {
		return text
	}
	return strings.TrimSpace(strconv.Itoa(r.Status) + " " + text)
}

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
	return call(ctx, s.client, w.URL, http.Header{
		"Content-Type": {"application/json"}, "Webhook-Id": {b.ID},
		"Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {sign(keys, b.ID, now, body)},
	}, body)
}

// Post sends a body to an app once.
func Post(ctx context.Context, client *http.Client, url string, header http.Header, body []byte) Result {
	began := time.Now()
	status, answer, err := call(ctx, client, url, header, body)
	if err != nil {
		answer = err.Error()
	}
	return Result{status, time.Since(began), outbox.Readable(answer, shown)}
}

// call sends a body, and returns the status and the beginning of the answer.
func call(ctx context.Context, client *http.Client, url string, header http.Header, body []byte) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header = header
	r.Header.Set("User-Agent", "Vouchsafe")
	resp, err := client.Do(r)
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
