package here

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/listing"
	"github.com/vouchsafe/vouchsafe/provider/keys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// withoutSecrets returns the client with the number of its secrets.
func withoutSecrets(c storage.Client) desk.Client {
	return desk.Client{Client: c, Secrets: len(c.SecretHashes)}
}

// Client implements desk.Clients, as the other methods below do.
func (d *Desk) Client(ctx context.Context, id string) (desk.Client, error) {
	c, err := d.Store.Client(ctx, d.tenant(), id)
	return withoutSecrets(c), err
}

func (d *Desk) Clients(ctx context.Context, after string) iter.Seq2[desk.Client, error] {
	return from(after, func(after string) ([]desk.Client, error) {
		all, err := d.Store.Clients(ctx, d.tenant(), after, listing.PageSize)
		out := make([]desk.Client, len(all))
		for i, c := range all {
			out[i] = withoutSecrets(c)
		}
		return out, err
	}, func(c desk.Client) string { return c.ClientID })
}

func (d *Desk) AddClient(
	ctx context.Context, c storage.Client, secret string,
) (added desk.Client, made string, err error) {
	c.TenantID = d.tenant()
	declared := clients.Declared{Client: c}
	if secret != "" {
		declared.Secrets = []string{secret}
	}
	made = declared.Complete(nil)
	stored, err := d.saveClient(ctx, nil, declared)
	return withoutSecrets(stored), made, err
}

// saveClient checks and stores a client in place of was, nil for a new one.
func (d *Desk) saveClient(
	ctx context.Context, was *storage.Client, now clients.Declared,
) (storage.Client, error) {
	var wrong []string
	for _, f := range now.Check(false) {
		wrong = append(wrong, f.Field+": "+f.Message)
	}
	if len(wrong) > 0 {
		return now.Client, errors.New(strings.Join(wrong, "\n"))
	}
	if err := d.publishKeys(ctx, now.Client); err != nil {
		return now.Client, err
	}
	return clients.Save(ctx, d.Store, was, now, d.By)
}

// publishKeys makes the signing keys that the clients need and the tenant lacks, before there is anything to sign. It
// opens the master secrets only if a key is missing.
func (d *Desk) publishKeys(ctx context.Context, of ...storage.Client) error {
	stored, err := d.Store.Keys(ctx, d.tenant(), time.Now())
	if err != nil {
		return err
	}
	missing := keys.Unpublished(stored, of...)
	if len(missing) == 0 {
		return nil
	}
	err = d.Keyring(ctx, func(r *keys.Ring) error { return r.Publish(ctx, d.tenant(), of...) })
	if err != nil {
		return fmt.Errorf("make the first signing keys of %s: %w", strings.Join(missing, ", "), err)
	}
	return nil
}

func (d *Desk) PlanClients(ctx context.Context, file []clients.Declared) (clients.Plan, error) {
	return clients.NewPlan(ctx, d.Store, d.tenant(), file)
}

func (d *Desk) ApplyClients(ctx context.Context, plan clients.Plan, _ []clients.Declared) error {
	if err := d.publishKeys(ctx, plan.Kept()...); err != nil {
		return err
	}
	return plan.Apply(ctx, d.Store, d.By)
}

func (d *Desk) EditClient(ctx context.Context, id string, patch map[string]any) (desk.Client, bool, error) {
	for {
		was, err := d.Store.Client(ctx, d.tenant(), id)
		if err != nil {
			return desk.Client{}, false, err
		}
		now := clients.Declared{}
		if err := jsonapi.Patch(patch, was, &now.Client); err != nil {
			return desk.Client{}, false, fields(err)
		}
		if now.ClientID != id {
			return desk.Client{}, false, errors.New("client_id: this never changes")
		}
		now.TenantID = d.tenant()
		now.Complete(&was)
		after, err := d.saveClient(ctx, &was, now)
		if errors.Is(err, storage.ErrStale) {
			continue
		}
		return withoutSecrets(after), err == nil && !after.UpdatedAt.Equal(was.UpdatedAt), err
	}
}

// fields returns the faults of a problem as a text with a line for each.
func fields(err error) error {
	var p *jsonapi.Problem
	if !errors.As(err, &p) || len(p.Errors) == 0 {
		return err
	}
	var lines []string
	for _, f := range p.Errors {
		lines = append(lines, fmt.Sprintf("%s: %s", f.Field, f.Message))
	}
	return errors.New(strings.Join(lines, "\n"))
}

func (d *Desk) RemoveClient(ctx context.Context, id string) error {
	if err := clients.Remove(ctx, d.Store, d.tenant(), id, d.By); err != nil {
		return err
	}
	d.Finish(ctx, d.tenant(), storage.RemovalClient, id)
	return nil
}

func (d *Desk) JudgeClient(ctx context.Context, id, verdict string) error {
	c, err := d.outside(ctx, id)
	if err == nil {
		_, err = clients.Judge(ctx, d.Store, c, verdict, d.By)
	}
	return err
}

func (d *Desk) RefreshClient(ctx context.Context, id string) error {
	c, err := d.outside(ctx, id)
	if err != nil {
		return err
	}
	if c.Outside.Origin != storage.OriginDocument {
		return desk.ErrNotOutside
	}
	_, err = clients.ReadAgain(ctx, d.Store, c)
	return err
}

// outside returns a client that no administrator added.
func (d *Desk) outside(ctx context.Context, id string) (storage.Client, error) {
	c, err := d.Store.Client(ctx, d.tenant(), id)
	if err == nil && c.Outside == nil {
		err = desk.ErrNotOutside
	}
	return c, err
}

func (d *Desk) ClientSecrets(ctx context.Context, id string) ([]string, error) {
	c, err := d.Store.Client(ctx, d.tenant(), id)
	var ids []string
	for _, hash := range c.SecretHashes {
		ids = append(ids, clients.SecretID(hash))
	}
	return ids, err
}

func (d *Desk) AddClientSecret(ctx context.Context, id string) (secret, secretID string, err error) {
	c, err := d.Store.Client(ctx, d.tenant(), id)
	if err != nil {
		return "", "", err
	}
	return clients.AddSecret(ctx, d.Store, c, d.By)
}

func (d *Desk) RemoveClientSecret(ctx context.Context, id, secretID string) error {
	c, err := d.Store.Client(ctx, d.tenant(), id)
	if err != nil {
		return err
	}
	return clients.RemoveSecret(ctx, d.Store, c, secretID, d.By)
}
