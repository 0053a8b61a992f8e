package admin

import (
	"errors"
	"net/http"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
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
