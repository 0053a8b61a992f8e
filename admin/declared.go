package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/webhooks"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// declareClientCall is the input of POST /clients/{client}:declare: what a clients file has of a client.
type declareClientCall struct {
	ofClientPath
	client
	Secrets []string `json:"client_secret,omitempty" secret:"true" items:"5" doc:"Secrets in clear. Only their hashes are stored."`
	Hashes  []string `json:"client_secret_hash,omitempty" secret:"true" items:"5" doc:"Hashes of other secrets, as vouchsafe client secret prints them."`
	ignored
	jsonapi.Condition
	jsonapi.DryRun
}

func (s *Server) declareClient() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/clients/{client}:declare", ID: "declareClient",
		Scope:   administration.DeclareClients,
		Summary: "Makes a client what a clients file declares, its secrets included.",
		Text: "The client is marked: `vouchsafe client apply` removes it when a later file doesn't declare it any more. " +
			"What is left out gets its default, and secrets that are left out are refused from then on.",
		Problems: clientProblems,
	}, func(c *call, in declareClientCall) (out shownClient, err error) {
		if in.ClientID == "" {
			in.ClientID = in.ID
		}
		if in.ClientID != in.ID {
			return out, otherID()
		}
		was, err := s.stored(c, in.ID, in.Condition)
		if err != nil {
			return out, err
		}
		d := clients.Declared{Client: in.Client, Secrets: in.Secrets, Hashes: in.Hashes}
		d.TenantID, d.Client.Declared = c.asker.Tenant.ID, true
		if err := s.checkClient(c, was, &d); err != nil {
			return out, err
		}
		if in.Dry {
			ch, err := d.Change(was)
			if err != nil {
				return out, err
			}
			return out, jsonapi.PreviewOf(ch.Fields)
		}
		out, err = s.storeClient(c, was, d)
		out.made = "" // it may have been there: the answer is the same
		return out, err
	})
}

// stored returns the client with the id, which has to meet the condition; nil if there is none.
func (s *Server) stored(c *call, id string, cond jsonapi.Condition) (*storage.Client, error) {
	was, err := s.Store.Client(c.Context(), c.asker.Tenant.ID, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, cond.Check("")
	case err != nil:
		return nil, err
	}
	return &was, cond.CheckTag(tagOfClient(was))
}

// otherID is the fault of a body that names another client than the path.
func otherID() error {
	return invalid(jsonapi.FieldFault("client_id", "invalid", "This isn't the id in the path."))
}

// declaredWebhook is a webhook as a tenants file declares one.
type declaredWebhook struct {
	ID string `json:"id" need:"true" max:"32" doc:"An id of your own: lower-case letters, digits, - and _, a letter first."`
	webhookFields
	Secret string `json:"secret" need:"true" secret:"true" max:"128" doc:"The secret that signs what is sent: whsec_ and 24 to 64 bytes in base64. It is never shown."`
}

// declaredWebhooks returns the webhooks of a request as those of a file; nil for nil.
func declaredWebhooks(all []declaredWebhook) []tenants.Webhook {
	if all == nil {
		return nil
	}
	out := []tenants.Webhook{}
	for _, w := range all {
		out = append(out, tenants.Webhook{ID: w.ID, URL: w.URL, Description: w.Description, Kinds: w.Kinds,
			Disabled: w.Disabled, Secret: w.Secret})
	}
	return out
}

// DeclaredWebhooks returns what a plan of tenants does to the webhooks that a file or a request declares.
func DeclaredWebhooks(m *webhooks.Manager) func(context.Context, tenants.Declared) (tenants.Extra, error) {
	return func(ctx context.Context, d tenants.Declared) (tenants.Extra, error) {
		if d.Webhooks == nil {
			return tenants.Extra{}, nil
		}
		file := []webhooks.Declared{}
		for _, w := range d.Webhooks {
			key, _ := storage.ParseWebhookSecret(w.Secret)
			file = append(file, webhooks.Declared{ID: w.ID, Key: key,
				Said: webhooks.Said{URL: w.URL, Description: w.Description, Kinds: w.Kinds, Disabled: w.Disabled}})
		}
		p, err := m.Plan(ctx, d.ID, file)
		return tenants.Extra{Fields: p.Fields, Gone: p.Gone, Apply: p.Apply}, err
	}
}

// planWebhooks returns what the declared webhooks of a tenant change, in the name of the caller. Servers may not reach
// each address: the faults name the webhooks.
func (s *Server) planWebhooks(c *call, d tenants.Declared) (tenants.Extra, error) {
	m := s.manager(c)
	m.Event = c.ofOther
	var faults []jsonapi.Fault
	for i, w := range d.Webhooks {
		if webhooks.Check(storage.Webhook{URL: w.URL}, m.Reach) != nil {
			faults = append(faults, jsonapi.FieldFault(fmt.Sprintf("webhooks.%d.url", i), "invalid", "Enter an https address."))
		}
	}
	if len(faults) > 0 {
		return tenants.Extra{}, invalid(faults...)
	}
	plan, err := DeclaredWebhooks(m)(c.Context(), d)
	return plan, managed(err)
}
