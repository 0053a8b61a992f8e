package clients

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/diff"
	"github.com/vouchsafe/vouchsafe/storage"
)

// What a change does to a client.
const (
	Adds    = "+"
	Changes = "~"
	Removes = "-"
)

// Change is what a plan does to one client.
type Change struct {
	Op       string      `json:"op"` // Adds, Changes or Removes
	ClientID string      `json:"client_id"`
	Fields   diff.Fields `json:"fields,omitempty"` // never with a secret among the values
	client   storage.Client
}

// Plan is what makes the declared clients of a tenant those of a file.
type Plan []Change

// NewPlan compares the clients of a file with those that are stored. Clients that were added otherwise
// stay, unless the file declares them: then it takes them over.
func NewPlan(ctx context.Context, store storage.Clients, tenant string, file []Declared) (Plan, error) {
	plan := Plan{}
	for _, d := range file {
		d.TenantID, d.Declared = tenant, true
		was, err := store.Client(ctx, tenant, d.ClientID)
		stored := &was
		if errors.Is(err, storage.ErrNotFound) {
			stored, err = nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read client %s: %w", d.ClientID, err)
		}
		ch, err := d.Change(stored)
		if err != nil {
			return nil, err
		}
		if ch.Op == Adds || len(ch.Fields) > 0 {
			plan = append(plan, ch)
		}
	}
	return plan.removeOthers(ctx, store, tenant, file)
}

// Change returns what differs between the client and was, the stored one; nil for none. It takes as long as a slow
// hash for each secret that an administrator chose.
func (d *Declared) Change(was *storage.Client) (Change, error) {
	op, isNew := Changes, was == nil
	if isNew {
		op, was = Adds, &storage.Client{}
	}
	secretsChanged, err := d.hash(was.SecretHashes)
	if err != nil {
		return Change{}, fmt.Errorf("hash the secret of client %s: %w", d.ClientID, err)
	}
	ch := Change{Op: op, ClientID: d.ClientID, Fields: Compare(*was, d.Client), client: d.Client}
	if secretsChanged {
		ch.Fields = append(ch.Fields,
			diff.Field{Name: SecretField, From: secretsOf(was.SecretHashes), To: secretsOf(d.SecretHashes)})
	}
	if !isNew && !was.Declared && d.Declared {
		ch.Fields = append(ch.Fields, diff.Field{Name: "declared", From: false, To: true})
	}
	return ch, nil
}

// Compare lists the fields in which two clients differ, in the order of the record. Secrets are not
// among them.
func Compare(from, to storage.Client) (fields diff.Fields) {
	fields.AddStruct(from, to, "client_id")
	return fields
}

// removeOthers removes the declared clients that are not in the file.
func (p Plan) removeOthers(ctx context.Context, store storage.Clients, tenant string, file []Declared) (Plan, error) {
	for c, err := range All(ctx, store, tenant) {
		if err != nil {
			return nil, fmt.Errorf("list clients: %w", err)
		}
		if c.Declared && !slices.ContainsFunc(file, func(d Declared) bool { return d.ClientID == c.ClientID }) {
			p = append(p, Change{Op: Removes, ClientID: c.ClientID, client: c})
		}
	}
	return p, nil
}

// Removed returns the ids of the clients that the plan removes.
func (p Plan) Removed() (ids []string) {
	for _, ch := range p {
		if ch.Op == Removes {
			ids = append(ids, ch.ClientID)
		}
	}
	return ids
}

// Kept returns the clients that the plan adds or changes, as they will be.
func (p Plan) Kept() (kept []storage.Client) {
	for _, ch := range p {
		if ch.Op != Removes {
			kept = append(kept, ch.client)
		}
	}
	return kept
}

// Apply carries the changes out, each with its event.
func (p Plan) Apply(ctx context.Context, store storage.Clients, by audit.By) error {
	kinds := map[string]string{Adds: storage.EventClientAdded, Changes: storage.EventClientChanged,
		Removes: storage.EventClientRemoved}
	for _, ch := range p {
		err := ch.apply(ctx, store, by(storage.Event{TenantID: ch.client.TenantID, Kind: kinds[ch.Op],
			ClientID: ch.ClientID}))
		if errors.Is(err, storage.ErrNotFound) {
			continue // another replica applied the same file meanwhile
		}
		if err != nil {
			return fmt.Errorf("%s client %s: %w", ch.Op, ch.ClientID, err)
		}
	}
	return nil
}

// apply makes the change in storage, together with the event e.
func (ch Change) apply(ctx context.Context, store storage.Clients, e storage.Event) error {
	now := time.Now()
	if ch.Op == Removes {
		return store.RemoveClient(ctx, ch.client.TenantID, ch.ClientID, now, e)
	}
	ch.client.CreatedAt, ch.client.UpdatedAt = now, now // the first stays as it is once stored
	return store.PutClient(ctx, ch.client, e)
}

// hash sets SecretHashes to what is stored of the declared secrets, and says whether that differs from
// what is stored now. A secret has many hashes, so that it is verified rather than hashed again:
// applying a file twice changes nothing.
func (d *Declared) hash(stored []string) (changed bool, err error) {
	d.SecretHashes = nil
	for _, s := range d.Secrets {
		i := slices.IndexFunc(stored, func(h string) bool { return MatchSecret(h, s) })
		if i >= 0 {
			d.SecretHashes = append(d.SecretHashes, stored[i])
			continue
		}
		h, err := HashSecret(s)
		if err != nil {
			return false, err
		}
		d.SecretHashes = append(d.SecretHashes, h)
	}
	d.SecretHashes = append(d.SecretHashes, d.Hashes...)
	return !slices.Equal(d.SecretHashes, stored), nil
}

// secretsOf returns what a plan shows of secrets: how many there are.
func secretsOf(hashes []string) any {
	switch len(hashes) {
	case 0:
		return nil
	case 1:
		return "(a secret)"
	}
	return fmt.Sprintf("(%d secrets)", len(hashes))
}
