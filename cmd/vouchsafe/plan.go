package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/provider"
	"github.com/vouchsafe/vouchsafe/storage"
)

// change is what applying a clients file does to one client.
type change struct {
	Op       string        `json:"op"` // + adds, ~ changes, - removes
	ClientID string        `json:"client_id"`
	Fields   []fieldChange `json:"fields,omitempty"`
	client   storage.Client
}

// fieldChange is one field's part of a change. Secrets are never among the values.
type fieldChange struct {
	Name string `json:"name"`
	From any    `json:"from,omitempty"`
	To   any    `json:"to,omitempty"`
}

// planClients says what makes the tenant's declared clients those of the file. Clients
// that were added otherwise stay, unless the file declares them: then it takes them over.
func planClients(ctx context.Context, store storage.Clients, tenant string, file []declared) ([]change, error) {
	var plan []change
	for _, d := range file {
		d.TenantID, d.Declared = tenant, true
		old, err := store.Client(ctx, tenant, d.ClientID)
		isNew := errors.Is(err, storage.ErrNotFound)
		if err != nil && !isNew {
			return nil, fmt.Errorf("read client %s: %w", d.ClientID, err)
		}
		secretsChanged, err := d.hash(old.SecretHashes)
		if err != nil {
			return nil, fmt.Errorf("hash the secret of client %s: %w", d.ClientID, err)
		}
		ch := change{Op: "~", ClientID: d.ClientID, Fields: compareClients(&old, &d.Client), client: d.Client}
		if isNew {
			ch.Op = "+"
		}
		if secretsChanged {
			ch.Fields = append(ch.Fields, fieldChange{Name: secretField, From: secretsOf(old.SecretHashes), To: secretsOf(d.SecretHashes)})
		}
		if !isNew && !old.Declared {
			ch.Fields = append(ch.Fields, fieldChange{Name: "declared", From: false, To: true})
		}
		if isNew || len(ch.Fields) > 0 {
			plan = append(plan, ch)
		}
	}
	gone, err := leftBehind(ctx, store, tenant, file)
	return append(plan, gone...), err
}

// leftBehind removes the declared clients that are not in the file.
func leftBehind(ctx context.Context, store storage.Clients, tenant string, file []declared) ([]change, error) {
	var plan []change
	for c, err := range allClients(ctx, store, tenant) {
		if err != nil {
			return nil, fmt.Errorf("list clients: %w", err)
		}
		if c.Declared && !slices.ContainsFunc(file, func(d declared) bool { return d.ClientID == c.ClientID }) {
			plan = append(plan, change{Op: "-", ClientID: c.ClientID, client: c})
		}
	}
	return plan, nil
}

// removed are the clients that the plan removes.
func removed(plan []change) []string {
	var ids []string
	for _, ch := range plan {
		if ch.Op == "-" {
			ids = append(ids, ch.ClientID)
		}
	}
	return ids
}

// kept are the clients that the plan adds or changes.
func kept(plan []change) []storage.Client {
	var clients []storage.Client
	for _, ch := range plan {
		if ch.Op != "-" {
			clients = append(clients, ch.client)
		}
	}
	return clients
}

// publishKeys makes the signing keys that the plan's clients declare and that the tenant has none
// of, before there is anything to sign. It opens the master secrets for that alone.
func (a *app) publishKeys(ctx context.Context, s store, tenant string, plan []change) error {
	keys, err := s.Keys(ctx, tenant, time.Now())
	if err != nil {
		return err
	}
	clients := kept(plan)
	missing := provider.UnpublishedAlgorithms(keys, clients...)
	if len(missing) == 0 {
		return nil
	}
	err = a.withProvider(ctx, func(s *server) error { return s.provider.PublishKeys(ctx, tenant, clients...) })
	if err != nil {
		return fmt.Errorf("make the first signing keys of %s: %w", strings.Join(missing, ", "), err)
	}
	return nil
}

// applyPlan carries the changes out, on record as the actor's doing.
func applyPlan(ctx context.Context, s store, tenant string, plan []change, actor string) error {
	kinds := map[string]string{"+": storage.EventClientAdded, "~": storage.EventClientChanged, "-": storage.EventClientRemoved}
	for _, ch := range plan {
		var err error
		if ch.Op == "-" {
			err = s.RemoveClient(ctx, tenant, ch.ClientID, time.Now())
		} else {
			now := time.Now()
			ch.client.CreatedAt, ch.client.UpdatedAt = now, now // the first stays as it is once stored
			err = s.PutClient(ctx, ch.client)
		}
		if errors.Is(err, storage.ErrNotFound) {
			continue // another replica applied the same file meanwhile
		}
		if err == nil {
			err = record(ctx, s, actor, storage.Event{TenantID: tenant, Kind: kinds[ch.Op], ClientID: ch.ClientID})
		}
		if err != nil {
			return fmt.Errorf("%s client %s: %w", ch.Op, ch.ClientID, err)
		}
	}
	return nil
}

// hash sets SecretHashes to what is stored of the declared secrets, and says whether
// that differs from what is stored now. A secret has many hashes, so that it is
// verified rather than hashed again: applying a file twice changes nothing.
func (d *declared) hash(stored []string) (changed bool, err error) {
	d.SecretHashes = nil
	for _, s := range d.secrets {
		i := slices.IndexFunc(stored, func(h string) bool { return clients.MatchSecret(h, s) })
		if i >= 0 {
			d.SecretHashes = append(d.SecretHashes, stored[i])
			continue
		}
		h, err := clients.HashSecret(s)
		if err != nil {
			return false, err
		}
		d.SecretHashes = append(d.SecretHashes, h)
	}
	d.SecretHashes = append(d.SecretHashes, d.hashes...)
	return !slices.Equal(d.SecretHashes, stored), nil
}

func secretsOf(hashes []string) any {
	switch len(hashes) {
	case 0:
		return nil
	case 1:
		return "(a secret)"
	}
	return fmt.Sprintf("(%d secrets)", len(hashes))
}

// compareClients lists the fields in which two clients differ, in the order of the record.
func compareClients(from, to *storage.Client) []fieldChange {
	var out []fieldChange
	for f := range reflect.TypeFor[storage.Client]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || name == "client_id" {
			continue
		}
		a, b := fieldValue(from, f.Index[0]), fieldValue(to, f.Index[0])
		if !bytes.Equal(a, b) {
			out = append(out, fieldChange{name, valueOrNil(a), valueOrNil(b)})
		}
	}
	return out
}

// fieldValue is the field as JSON, nil when it is empty: nil and no elements are one.
func fieldValue(c *storage.Client, index int) []byte {
	v := reflect.ValueOf(c).Elem().Field(index)
	if v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
		return nil
	}
	if raw, ok := v.Interface().(json.RawMessage); ok {
		// The database may have put the members into another order.
		var any any
		if json.Unmarshal(raw, &any) == nil {
			v = reflect.ValueOf(&any).Elem()
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // & is common in URLs, and people read this
	if enc.Encode(v.Interface()) != nil {
		return nil
	}
	return bytes.TrimSpace(buf.Bytes())
}

func valueOrNil(raw []byte) any {
	if raw == nil {
		return nil
	}
	return json.RawMessage(raw)
}

// printPlan writes the changes for people: a line for each client and each field.
func printPlan(w io.Writer, plan []change) {
	for _, ch := range plan {
		fmt.Fprintf(w, "%s client %s\n", ch.Op, ch.ClientID)
		printFields(w, ch.Fields)
	}
}

func printFields(w io.Writer, fields []fieldChange) {
	for _, f := range fields {
		switch {
		case f.From == nil:
			fmt.Fprintf(w, "    + %s: %s\n", f.Name, legible(f.To))
		case f.To == nil:
			fmt.Fprintf(w, "    - %s: %s\n", f.Name, legible(f.From))
		default:
			fmt.Fprintf(w, "    ~ %s: %s -> %s\n", f.Name, legible(f.From), legible(f.To))
		}
	}
}

func legible(v any) string {
	if raw, ok := v.(json.RawMessage); ok {
		return string(raw)
	}
	return fmt.Sprint(v)
}
