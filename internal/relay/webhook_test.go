package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

const hookSecret = "a secret of the webhook"

func hook(t *testing.T, answer http.HandlerFunc) *Webhook {
	t.Helper()
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	h, err := NewWebhook(srv.URL+"/send?key=in-the-query", hookSecret,
		outbound.Client(outbound.Config{AllowPrivate: true, Timeout: 2 * time.Second, MaxBody: 64 << 10, KeepAlive: true}))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestTextMessages from the outbox to the webhook, which can tell who asks.
func TestTextMessages(t *testing.T) {
	secrets, s := masters(t), open(t, "sqlite::memory:")
	m := &mail.Mailer{Secrets: secrets}
	msg, err := m.ComposeText(tenant, "+491701234567", "de", "phone-code",
		map[string]string{"Code": "12345678", "Host": "id.example"})
	if err != nil {
		t.Fatal(err)
	}
	if msg.Channel != storage.ChannelSMS || time.Until(msg.ExpiresAt) > mail.CodeLife {
		t.Errorf("got %+v", msg)
	}
	if err := storagetest.Enqueue(t.Context(), s, msg); err != nil {
		t.Fatal(err)
	}
	var got textMessage
	var signature, id string
	var body []byte
	h := hook(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		signature, id = r.Header.Get("Vouchsafe-Signature"), r.Header.Get("Idempotency-Key")
		_ = json.Unmarshal(body, &got)
		w.WriteHeader(http.StatusAccepted)
	})
	w := worker(s, secrets, nil)
	w.Senders[storage.ChannelSMS] = mail.Channel{Secrets: secrets, Sender: h}
	if n, err := w.Step(t.Context()); n != 1 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	if want := (textMessage{ID: msg.ID, Tenant: "default", To: "+491701234567",
		Text: "12345678 ist Ihr Code für Acme <b>& Co. Geben Sie ihn nicht weiter.\n\n@id.example #12345678"}); got != want ||
		id != msg.ID {
		t.Errorf("got %+v, want %+v", got, want)
	}
	at, _ := strings.CutPrefix(strings.Split(signature, ",")[0], "t=")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)) > time.Minute || signature != h.sign(time.Unix(seconds, 0), body) {
		t.Errorf("got signature %q", signature)
	}
	if h.sign(time.Unix(seconds, 0), append(bytes.Clone(body), ' ')) == signature ||
		h.sign(time.Unix(seconds+1, 0), body) == signature {
		t.Error("another text, or another time, has the same signature")
	}
	if queued, dead, err := s.CountDeliveries(t.Context()); queued+dead != 0 || err != nil {
		t.Errorf("got %d, %d, %v, want an empty outbox", queued, dead, err)
	}
}

func TestWebhookFailures(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		forGood bool
	}{
		"no such number": {status(422), true},
		"bad":            {status(400), true},
		"wrong secret":   {status(401), false},
		"wrong path":     {status(404), false},
		"too many":       {status(429), false},
		"broken":         {status(500), false},
		"redirects": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		}, false},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, false},
		"closes":            {func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, false},
		"fails without end": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); endless(w) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			err := hook(t, c.answer).Send(ctx, &mail.Message{ID: "1", To: "+491701234567", Text: "code 12345678"})
			if err == nil || errors.Is(err, outbox.ErrPermanent) != c.forGood {
				t.Errorf("got %v, want it for good: %v", err, c.forGood)
			}
			if err != nil && (strings.Contains(err.Error(), "in-the-query") || strings.Contains(err.Error(), "12345678")) {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func endless(w io.Writer) {
	for {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

func TestWebhookSettings(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://sms.example/send": true, "http://localhost:9/": true, "http://127.0.0.1:9/x?y": true,
		"http://[::1]:9/":     true,
		"http://sms.example/": false, "ftp://sms.example/": false, "https://u:p@sms.example/": false, "sms.example": false,
		"": false, "https://": false,
	} {
		if _, err := NewWebhook(url, hookSecret, nil); (err == nil) != ok {
			t.Errorf("%q: got %v", url, err)
		}
	}
	if _, err := NewWebhook("https://sms.example/", "short", nil); err == nil {
		t.Error("a short secret is taken")
	}
	m := &mail.Mailer{Secrets: masters(t)}
	for _, to := range []string{"", "0170", "+0170", "jo@example.com", "+49170\n", "+4917012345678901", "+49 170"} {
		if _, err := m.ComposeText(tenant, to, "en", "phone-code", nil); !errors.Is(err, mail.ErrAddress) {
			t.Errorf("%q: got %v", to, err)
		}
	}
	if _, err := m.ComposeText(tenant, "+491701234567", "en", "sign-in", nil); err == nil {
		t.Error("a mail goes to a phone")
	}
	if _, err := m.Compose(tenant, "jo@example.com", "en", "phone-code", nil); err == nil {
		t.Error("a text message goes by mail")
	}
}
