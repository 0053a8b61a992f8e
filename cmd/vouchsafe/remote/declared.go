package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/storage"
)

// declared is a client as the API takes one of a clients file.
type declared struct {
	storage.Client
	Secrets []string `json:"client_secret,omitempty"`
	Hashes  []string `json:"client_secret_hash,omitempty"`
}

// toDeclare returns the path and the body of the request that declares a client.
func toDeclare(c clients.Declared) (path string, body declared) {
	return "/clients" + api.Path(c.ClientID) + ":declare", declared{c.Client, c.Secrets, c.Hashes}
}

// PlanClients implements desk.Clients. The server says of each client what would change, because it alone can compare
// secrets.
func (d Desk) PlanClients(ctx context.Context, file []clients.Declared) (clients.Plan, error) {
	stored, plan := map[string]bool{}, clients.Plan{}
	var gone []string
	for c, err := range d.Clients(ctx, "") {
		if err != nil {
			return nil, err
		}
		stored[c.ClientID] = true
		if c.Declared && !slices.ContainsFunc(file, func(d clients.Declared) bool { return d.ClientID == c.ClientID }) {
			gone = append(gone, c.ClientID)
		}
	}
	for _, c := range file {
		path, body := toDeclare(c)
		fields, err := d.preview(ctx, http.MethodPost, path, body)
		if err != nil {
			return nil, fmt.Errorf("client %s: %w", c.ClientID, err)
		}
		for i := range fields {
			if fields[i].Name == clients.SecretField {
				fields[i].From, fields[i].To = text(fields[i].From), text(fields[i].To)
			}
		}
		ch := clients.Change{Op: clients.Changes, ClientID: c.ClientID, Fields: fields}
		if !stored[c.ClientID] {
			ch.Op = clients.Adds
		}
		if ch.Op == clients.Adds || len(fields) > 0 {
			plan = append(plan, ch)
		}
	}
	for _, id := range gone {
		plan = append(plan, clients.Change{Op: clients.Removes, ClientID: id})
	}
	return plan, nil
}

// text returns the text that JSON stands for; what is none, as it is.
func text(v any) any {
	var s string
	if raw, ok := v.(json.RawMessage); ok && json.Unmarshal(raw, &s) == nil {
		return s
	}
	return v
}

// ApplyClients makes the changes one after the other. What is removed already is no fault: another command may apply
// the same file.
func (d Desk) ApplyClients(ctx context.Context, plan clients.Plan, file []clients.Declared) error {
	for _, ch := range plan {
		var err error
		if ch.Op == clients.Removes {
			if err = d.RemoveClient(ctx, ch.ClientID); missing(err) {
				err = nil
			}
		} else {
			i := slices.IndexFunc(file, func(d clients.Declared) bool { return d.ClientID == ch.ClientID })
			path, body := toDeclare(file[i])
			err = d.api.Send(ctx, http.MethodPost, path, body, nil)
		}
		if err != nil {
			return fmt.Errorf("%s client %s: %w", ch.Op, ch.ClientID, err)
		}
	}
	return nil
}
