package clients

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Complete gives the client what it proves itself with, if it needs a secret and none is declared: those that was
// has, or a new one, which is returned. was is the stored client, nil for a new one. Call Check then.
func (d *Declared) Complete(was *storage.Client) (made string) {
	if !d.bySecret() || len(d.Secrets)+len(d.Hashes) > 0 {
		return ""
	}
	if was != nil && len(was.SecretHashes) > 0 {
		d.Hashes = slices.Clone(was.SecretHashes)
		return ""
	}
	made, hash := NewSecret()
	d.Hashes = []string{hash}
	return made
}

// bySecret reports whether the client authenticates by a secret.
func (d *Declared) bySecret() bool {
	return d.TokenEndpointAuthMethod == "" || strings.HasPrefix(d.TokenEndpointAuthMethod, "client_secret_")
}

// Save stores a client that Check finds nothing wrong with, in place of was, which is nil for a new one, and returns
// it as it was stored. What changes nothing is not stored. A client that a file declares stays one.
// storage.ErrExists: the id is taken; storage.ErrStale: the client is not any more what was read.
func Save(
	ctx context.Context, store storage.Clients, was *storage.Client, d Declared, by audit.By,
) (storage.Client, error) {
	kind, c, now := storage.EventClientChanged, d.Client, stored(time.Now())
	var before []string
	if was != nil {
		before = was.SecretHashes
	}
	secretsChanged, err := d.hash(before)
	if err != nil {
		return c, err
	}
	c.SecretHashes, c.CreatedAt, c.UpdatedAt = d.SecretHashes, now, now
	if was == nil {
		kind = storage.EventClientAdded
	} else {
		c.TenantID, c.Declared, c.CreatedAt = was.TenantID, was.Declared || c.Declared, was.CreatedAt
		c.Outside = outsideAfter(was, &c)
		if len(Compare(*was, c)) == 0 && !secretsChanged && c.Declared == was.Declared {
			return *was, nil
		}
	}
	return c, store.SaveClient(ctx, c, was, by(storage.Event{TenantID: c.TenantID, Kind: kind, ClientID: c.ClientID}))
}

// outsideAfter returns what is known of an outside client after an administrator's change from was to c. One that a
// file declares is an outside client no more, and one that is enabled is not denied any more.
func outsideAfter(was, c *storage.Client) *storage.Outside {
	o := was.Outside
	switch {
	case o == nil || c.Declared:
		return nil
	case c.Disabled || o.Verdict != storage.VerdictDenied:
		return o
	}
	known := *o
	known.Verdict = ""
	return &known
}

// stored returns a time as it is stored: to the microsecond.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// MaxSecrets is how many secrets a client may have at a time.
const MaxSecrets = 5

// ErrNoSecret says that a client gets no more secrets: it uses none, or has MaxSecrets.
var ErrNoSecret = errors.New("the client uses no secrets, or has as many as it may")

// ErrLastSecret says that a secret is the only one of its client.
var ErrLastSecret = errors.New("this is the client's only secret")

// AddSecret gives the client one more secret, and returns it with its SecretID: the others stay valid until they are
// removed. Its refusal is ErrNoSecret.
func AddSecret(
	ctx context.Context, store storage.Clients, was storage.Client, by audit.By,
) (value, id string, err error) {
	d := Declared{Client: was}
	if !d.bySecret() || len(was.SecretHashes) >= MaxSecrets {
		return "", "", ErrNoSecret
	}
	value, hash := NewSecret()
	c := was
	c.SecretHashes, c.UpdatedAt = append(slices.Clone(was.SecretHashes), hash), stored(time.Now())
	err = store.SaveClient(ctx, c, &was, by(storage.Event{
		TenantID: c.TenantID, Kind: storage.EventClientChanged, ClientID: c.ClientID,
		Detail: map[string]string{"secret": "added"},
	}))
	return value, SecretID(hash), err
}

// RemoveSecret removes the secret with the SecretID. ErrLastSecret; storage.ErrNotFound: the client has none of that
// id.
func RemoveSecret(
	ctx context.Context, store storage.Clients, was storage.Client, id string, by audit.By,
) error {
	i := slices.IndexFunc(was.SecretHashes, func(hash string) bool { return SecretID(hash) == id })
	switch {
	case i < 0:
		return storage.ErrNotFound
	case len(was.SecretHashes) == 1:
		return ErrLastSecret
	}
	c := was
	c.SecretHashes, c.UpdatedAt = slices.Delete(slices.Clone(was.SecretHashes), i, i+1), stored(time.Now())
	return store.SaveClient(ctx, c, &was, by(storage.Event{
		TenantID: c.TenantID, Kind: storage.EventClientChanged, ClientID: c.ClientID,
		Detail: map[string]string{"secret": "removed"},
	}))
}
