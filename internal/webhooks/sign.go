package webhooks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Beginning is how secrets of webhooks begin.
const Beginning = "whsec_"

// Overlap is how long the secret before signs, too, after a rotation.
const Overlap = 24 * time.Hour

// key is a secret of a webhook. Webhook.Data has a list of them, sealed.
type key struct {
	Key   []byte    `json:"key"`
	Until time.Time `json:"until,omitzero"` // when it signs no more; zero for the present one
}

// openKeys returns the keys of a webhook.
func openKeys(m *secret.Masters, w storage.Webhook) (keys []key, err error) {
	plain, err := m.Box(w.TenantID, secret.WebhookSecret).Open(w.Data)
	if err == nil {
		err = json.Unmarshal(plain, &keys)
	}
	if err != nil {
		return nil, fmt.Errorf("secrets of webhook %s: %w", w.ID, err)
	}
	return keys, nil
}

// Rotate gives the webhook a new secret, and returns it. The one before signs for another day, and none before that.
func Rotate(m *secret.Masters, w *storage.Webhook, now time.Time) (string, error) {
	var keys []key
	if len(w.Data) > 0 {
		var err error
		if keys, err = openKeys(m, *w); err != nil {
			return "", err
		}
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // it never fails
	keys = slices.Insert(keys[:min(len(keys), 1)], 0, key{Key: fresh})
	if len(keys) > 1 {
		keys[1].Until = now.Add(Overlap)
	}
	plain, err := json.Marshal(keys)
	if err != nil {
		return "", err
	}
	w.Data = m.Box(w.TenantID, secret.WebhookSecret).Seal(plain)
	return Beginning + base64.StdEncoding.EncodeToString(fresh), nil
}

// sign returns the header webhook-signature of a body: one signature for each key that is valid (Standard Webhooks,
// v1).
func sign(keys []key, id string, now time.Time, body []byte) string {
	var all []string
	for _, k := range keys {
		if !k.Until.IsZero() && now.After(k.Until) {
			continue
		}
		mac := hmac.New(sha256.New, k.Key)
		mac.Write([]byte(id + "." + strconv.FormatInt(now.Unix(), 10) + "."))
		mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}

var (
	// ErrAddress says that a URL is none to which events can be sent.
	ErrAddress = errors.New("not an https address")
	// ErrKind says that there are no events of a kind.
	ErrKind = errors.New("no such kind of events")
)

// Check returns ErrAddress or ErrKind if the webhook has a URL or kinds that it cannot have.
func Check(w storage.Webhook, reach outbound.Config) error {
	u, err := url.Parse(w.URL)
	if err != nil || u.Fragment != "" || reach.Permits(u) != nil {
		return ErrAddress
	}
	for _, kind := range w.Kinds {
		beginning, all := strings.CutSuffix(kind, ".*")
		if !slices.ContainsFunc(storage.EventKinds, func(k storage.EventKind) bool {
			return k.Audience >= storage.ToTenant &&
				(k.Kind == kind || all && strings.HasPrefix(k.Kind, beginning+"."))
		}) {
			return fmt.Errorf("%w: %q", ErrKind, kind)
		}
	}
	return nil
}
