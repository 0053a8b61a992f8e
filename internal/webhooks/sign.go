package webhooks

import (
	"crypto/ed25519"
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

// Beginning is how secrets of webhooks begin, and PublicBeginning how their public keys do (Standard Webhooks).
const Beginning, PublicBeginning = storage.WebhookSecretBeginning, "whpk_"

// Overlap is how long the secret before signs, too, after a rotation.
const Overlap = 24 * time.Hour

// key is a secret of a webhook. Webhook.Data has a list of them, sealed.
type key struct {
	Key []byte `json:"key"`
	// Seed is that of the private key (Ed25519). It is not made from Key, with which receivers could sign then.
	Seed  []byte    `json:"seed,omitempty"`
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
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // it never fails
	return Beginning + base64.StdEncoding.EncodeToString(fresh), replace(m, w, fresh, now)
}

// replace is Rotate to a secret that is given.
func replace(m *secret.Masters, w *storage.Webhook, fresh []byte, now time.Time) error {
	var keys []key
	if len(w.Data) > 0 {
		var err error
		if keys, err = openKeys(m, *w); err != nil {
			return err
		}
	}
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // it never fails
	keys = slices.Insert(keys[:min(len(keys), 1)], 0, key{Key: fresh, Seed: seed})
	if len(keys) > 1 {
		keys[1].Until = now.Add(Overlap)
	}
	plain, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	w.Data = m.Box(w.TenantID, secret.WebhookSecret).Seal(plain)
	return nil
}

// valid reports whether the key signs at a moment.
func (k key) valid(now time.Time) bool { return k.Until.IsZero() || !now.After(k.Until) }

// sign returns the header webhook-signature of a body: for each key that is valid a MAC (v1) and a signature (v1a),
// as Standard Webhooks has them.
func sign(keys []key, id string, now time.Time, body []byte) string {
	var all []string
	signed := append([]byte(id+"."+strconv.FormatInt(now.Unix(), 10)+"."), body...)
	for _, k := range keys {
		if !k.valid(now) {
			continue
		}
		mac := hmac.New(sha256.New, k.Key)
		mac.Write(signed)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		if len(k.Seed) == ed25519.SeedSize {
			all = append(all, "v1a,"+base64.StdEncoding.EncodeToString(ed25519.Sign(ed25519.NewKeyFromSeed(k.Seed), signed)))
		}
	}
	return strings.Join(all, " ")
}

// PublicKeys returns the public keys of a webhook that verify what is signed now (v1a), the present one first.
func PublicKeys(m *secret.Masters, w storage.Webhook, now time.Time) ([]string, error) {
	keys, err := openKeys(m, w)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, k := range keys {
		if len(k.Seed) == ed25519.SeedSize && k.valid(now) {
			public := ed25519.NewKeyFromSeed(k.Seed).Public().(ed25519.PublicKey)
			all = append(all, PublicBeginning+base64.StdEncoding.EncodeToString(public))
		}
	}
	return all, nil
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
	if kind := storage.NoSuchEvents(w.Kinds); kind != "" {
		return fmt.Errorf("%w: %q", ErrKind, kind)
	}
	return nil
}
