package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/diff"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

// client is what administrators write about a client. Its members are those of clients.yaml.
type client struct{ storage.Client }

// clientStatus is what is computed about a client.
type clientStatus struct {
	Declared  bool      `json:"declared" doc:"The client comes from a clients file: its next application undoes other changes."`
	Secrets   int       `json:"secrets" doc:"How many secrets the client has."`
	CreatedAt time.Time `json:"created_at" doc:"When the client was added."`
	UpdatedAt time.Time `json:"updated_at" doc:"When the client was changed last."`
	*outsideStatus
}

// outsideStatus is what is computed about a client that no administrator added.
type outsideStatus struct {
	Origin     string    `json:"origin,omitempty" doc:"Where a client comes from that no administrator added: document (its id is the URL of its metadata) or registration."`
	Verdict    string    `json:"verdict,omitempty" doc:"What an administrator has said of such a client: allowed or denied."`
	ReadAt     time.Time `json:"read_at,omitzero" doc:"When its document was read last."`
	FreshUntil time.Time `json:"fresh_until,omitzero" doc:"From when on its document is read again."`
	Fault      string    `json:"fault,omitempty" doc:"Why its document could not be read when it was asked for last."`
}

// statusOf returns what is computed about a client.
func statusOf(c storage.Client) clientStatus {
	status := clientStatus{Declared: c.Declared, Secrets: len(c.SecretHashes), CreatedAt: c.CreatedAt,
		UpdatedAt: c.UpdatedAt}
	if o := c.Outside; o != nil {
		status.outsideStatus = &outsideStatus{o.Origin, o.Verdict, o.ReadAt, o.FreshUntil, o.Fault}
	}
	return status
}

// shownClient is a client as the API shows one.
type shownClient struct {
	client
	Secret string       `json:"client_secret,omitempty" doc:"The secret that was made just now. It is never shown again."`
	Status clientStatus `json:"status" doc:"What is computed. It is ignored in what is sent."`
	answered
}

// showClient returns the client as the API shows one.
func showClient(c storage.Client) (shownClient, error) {
	tag, err := tagOfClient(c)
	return shownClient{client: client{c}, answered: answered{tag: tag}, Status: statusOf(c)}, err
}

// tagOfClient returns the tag of a client. A change of its secrets changes it, too.
func tagOfClient(c storage.Client) (jsonapi.ETag, error) {
	return jsonapi.TagOf(struct {
		storage.Client
		At time.Time
	}{c, c.UpdatedAt.Truncate(time.Microsecond)})
}

// clientProblems are those of operations that write clients.
var clientProblems = []jsonapi.Outcome{wrongFields, taken, moved, notJSON, tooLarge, beyond}

// beyond is the problem of clients that may do more than the caller.
var beyond = jsonapi.Outcome{Status: http.StatusForbidden, Code: "outranked",
	When: "the client has, or would have, a scope of this API that the caller has not.", More: neededScope{}}

// mayManage returns an error if the client may do more at this API than the caller, who could get tokens for it.
func (c *call) mayManage(of storage.Client) error {
	scope := administration.BeyondClient(of, c.scopes)
	if scope == "" {
		return nil
	}
	return &jsonapi.Problem{Status: http.StatusForbidden, Code: beyond.Code, More: neededScope{scope},
		Detail:       "The client has, or would have, the scope " + scope + ", which you don't have.",
		Authenticate: challenge(c.asker.Tenant, "insufficient_scope", scope)}
}

func (s *Server) listClients() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/clients", ID: "listClients", Scope: "clients:read",
		Summary: "Lists the clients by their ids.", Text: filterText(clientTable),
	}, func(c *call, in filteredCall) (jsonapi.Page[shownClient], error) {
		read := func(after string, limit int) ([]storage.Client, error) {
			return s.Store.Clients(c.Context(), c.asker.Tenant.ID, after, limit)
		}
		id := func(c storage.Client) string { return c.ClientID }
		return filteredPage(s, c, in, "clients", clientTable, read, id, showClient)
	})
}

// ofClient is the input of an operation about one client.
type ofClient struct {
	Client string `path:"client" max:"256" doc:"The client's id."`
}

func (s *Server) getClient() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/clients/{client}", ID: "getClient", Scope: "clients:read",
		Summary: "Returns a client.",
	}, func(c *call, in ofClient) (out shownClient, err error) {
		found, err := s.Store.Client(c.Context(), c.asker.Tenant.ID, in.Client)
		if err != nil {
			return out, err
		}
		return showClient(found)
	})
}

// secretFields are the members by which a caller chooses the secrets of a client.
type secretFields struct {
	Secret string `json:"client_secret,omitempty" secret:"true" doc:"A secret of your own, in place of those that the client has. Without one, a new client that needs a secret gets one, and others keep theirs."`
}

// addClientCall is the input of POST /clients.
type addClientCall struct {
	client
	secretFields
	ignored
	jsonapi.DryRun
}

func (s *Server) addClient() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/clients", ID: "addClient", Scope: "clients:write", Status: http.StatusCreated,
		Summary: "Adds a client.", Problems: clientProblems,
	}, func(c *call, in addClientCall) (shownClient, error) {
		return s.saveClient(c, nil, in.client, in.secretFields, in.Dry)
	})
}

// putClientCall is the input of PUT /clients/{client}.
type putClientCall struct {
	ofClientPath
	client
	secretFields
	ignored
	jsonapi.Condition
	jsonapi.DryRun
}

// ofClientPath is ofClient beside the members of a client.
type ofClientPath struct {
	ID string `path:"client" max:"256" doc:"The client's id."`
}

func (s *Server) putClient() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPut, Path: "/clients/{client}", ID: "putClient", Scope: "clients:write",
		Summary:  "Adds the client with an id that you chose, or replaces all but its secrets.",
		Text:     "What is left out gets its default. What a GET answered can be sent as it is, and changes nothing.",
		Problems: clientProblems,
	}, func(c *call, in putClientCall) (shownClient, error) {
		was, err := s.stored(c, in.ID, in.Condition)
		if err != nil {
			return shownClient{}, err
		}
		return s.saveNamed(c, was, in.ID, in.client, in.secretFields, in.Dry)
	})
}

// saveNamed is saveClient for a client whose id is in the path.
func (s *Server) saveNamed(
	c *call, was *storage.Client, id string, now client, secrets secretFields, dry bool,
) (shownClient, error) {
	if now.ClientID == "" {
		now.ClientID = id
	}
	if now.ClientID != id {
		return shownClient{}, otherID()
	}
	return s.saveClient(c, was, now, secrets, dry)
}

// saveClient stores the client in place of was, nil for a new one.
func (s *Server) saveClient(
	c *call, was *storage.Client, now client, secrets secretFields, dry bool,
) (out shownClient, err error) {
	d := clients.Declared{Client: now.Client}
	d.TenantID = c.asker.Tenant.ID
	if secrets.Secret != "" {
		d.Secrets = []string{secrets.Secret}
	}
	made := d.Complete(was)
	if err := s.checkClient(c, was, &d); err != nil {
		return out, err
	}
	if dry {
		return out, previewOfClient(was, d.Client)
	}
	out, err = s.storeClient(c, was, d)
	out.Secret = made
	return out, err
}

// checkClient returns what is wrong with the client, or why the caller may not store it in place of was.
func (s *Server) checkClient(c *call, was *storage.Client, d *clients.Declared) error {
	var faults []jsonapi.Fault
	for _, f := range d.Check(false) {
		faults = append(faults, jsonapi.FieldFault(f.Field, "invalid", told(f.Message)))
	}
	if len(faults) > 0 {
		return invalid(faults...)
	}
	if was != nil {
		if err := c.mayManage(*was); err != nil {
			return err
		}
	}
	return c.mayManage(d.Client)
}

// storeClient stores what checkClient finds nothing wrong with.
func (s *Server) storeClient(c *call, was *storage.Client, d clients.Declared) (out shownClient, err error) {
	if err := s.Keys.Publish(c.Context(), d.TenantID, d.Client); err != nil {
		return out, err
	}
	stored, err := clients.Save(c.Context(), s.Store, was, d, c.asker.Event)
	if err != nil {
		return out, err
	}
	out, err = showClient(stored)
	if was == nil {
		out.made = c.asker.Tenant.URL(Prefix + "/clients/" + escaped(stored.ClientID))
	}
	return out, err
}

// previewOfClient returns what saving the client would change.
func previewOfClient(was *storage.Client, now storage.Client) error {
	if was == nil {
		was = &storage.Client{}
	}
	var fields diff.Fields
	fields.AddStruct(*was, now, "client_id")
	return jsonapi.PreviewOf(fields)
}

// changeClientCall is the input of operations that change a client without a body.
type changeClientCall struct {
	ofClient
	jsonapi.Condition
	jsonapi.DryRun
}

func (s *Server) patchClient() jsonapi.Route {
	read := func(c *call, in changeClientCall) (client, error) {
		was, err := s.Store.Client(c.Context(), c.asker.Tenant.ID, in.Client)
		return client{was}, err
	}
	return handlePatch(s, jsonapi.Operation{
		Path: "/clients/{client}", ID: "patchClient", Scope: "clients:write", Summary: "Changes members of a client.",
		Text:     "A JSON merge patch (RFC 7396): what is left out stays, and null stands for the default.",
		Problems: clientProblems,
	}, read, func(c *call, in changeClientCall, seen, now client) (out shownClient, err error) {
		was, err := s.Store.Client(c.Context(), c.asker.Tenant.ID, in.Client)
		if err == nil {
			err = in.Condition.CheckTag(tagOfClient(was))
		}
		if err == nil && !equal(seen, client{was}) {
			err = jsonapi.ErrMoved
		}
		if err != nil {
			return out, err
		}
		return s.saveNamed(c, &was, in.Client, now, secretFields{}, in.Dry)
	})
}

// managed returns a client that an operation changes, if the caller may.
func (s *Server) managed(c *call, id string) (storage.Client, error) {
	found, err := s.Store.Client(c.Context(), c.asker.Tenant.ID, id)
	if err == nil {
		err = c.mayManage(found)
	}
	return found, err
}

func (s *Server) removeClient() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/clients/{client}", ID: "removeClient", Scope: "clients:write",
		Summary: "Removes a client with all that users allowed it, for good.", Problems: []jsonapi.Outcome{beyond},
	}, func(c *call, in changeClientCall) (none jsonapi.None, err error) {
		was, err := s.managed(c, in.Client)
		if err != nil {
			return none, err
		}
		if err := in.Condition.CheckTag(tagOfClient(was)); err != nil {
			return none, err
		}
		if in.Dry {
			var fields diff.Fields
			fields.AddStruct(was, storage.Client{}, "")
			return none, jsonapi.PreviewOf(fields)
		}
		return none, clients.Remove(c.Context(), s.Store, c.asker.Tenant.ID, was.ClientID, c.asker.Event)
	})
}

// clientSecret is a secret of a client, without the secret itself.
type clientSecret struct {
	ID string `json:"id" doc:"The id, by which it is removed."`
}

// madeSecret is a secret that was made just now.
type madeSecret struct {
	ID     string `json:"id" doc:"The id, by which it is removed."`
	Secret string `json:"client_secret,omitempty" doc:"The secret. It is never shown again."`
}

func (s *Server) listSecrets() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodGet, Path: "/clients/{client}/secrets", ID: "listSecrets", Scope: "clients:read",
		Summary: "Lists the ids of a client's secrets, oldest first.",
	}, func(c *call, in ofClient) (out whole[clientSecret], err error) {
		found, err := s.Store.Client(c.Context(), c.asker.Tenant.ID, in.Client)
		return wholeOf(found.SecretHashes, func(hash string) clientSecret { return clientSecret{clients.SecretID(hash)} }),
			err
	})
}

func (s *Server) addSecret() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/clients/{client}/secrets", ID: "addSecret", Scope: "clients:write",
		Status: http.StatusCreated, Summary: "Gives a client one more secret, and shows it this once.",
		Text: "The other secrets stay valid until you remove them, so that the client can be moved to the new one.",
		Problems: []jsonapi.Outcome{beyond, moved, {Status: http.StatusConflict, Code: "no_secret",
			When: "the client authenticates in another way, or has as many secrets as it may."}},
	}, func(c *call, in ofClient) (out madeSecret, err error) {
		was, err := s.managed(c, in.Client)
		if err != nil {
			return out, err
		}
		out.Secret, out.ID, err = clients.AddSecret(c.Context(), s.Store, was, c.asker.Event)
		if errors.Is(err, clients.ErrNoSecret) {
			err = &jsonapi.Problem{Status: http.StatusConflict, Code: "no_secret", Detail: sentence(err)}
		}
		return out, err
	})
}

// ofSecret is the input of an operation about one secret.
type ofSecret struct {
	ofClient
	Secret string `path:"secret" max:"64" doc:"The secret's id."`
}

func (s *Server) removeSecret() jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodDelete, Path: "/clients/{client}/secrets/{secret}", ID: "removeSecret", Scope: "clients:write",
		Summary: "Removes a secret of a client. It is refused from the next second on.",
		Problems: []jsonapi.Outcome{beyond, moved, {Status: http.StatusConflict, Code: "last_secret",
			When: "it is the only one."}},
	}, func(c *call, in ofSecret) (none jsonapi.None, err error) {
		was, err := s.managed(c, in.Client)
		if err != nil {
			return none, err
		}
		err = clients.RemoveSecret(c.Context(), s.Store, was, in.Secret, c.asker.Event)
		if errors.Is(err, clients.ErrLastSecret) {
			err = &jsonapi.Problem{Status: http.StatusConflict, Code: "last_secret", Detail: sentence(err)}
		}
		return none, err
	})
}

// notOutside is the problem of clients that an administrator added.
var notOutside = jsonapi.Outcome{Status: http.StatusConflict, Code: "not_outside",
	When: "an administrator added the client, or it has no document."}

func (s *Server) allowClient() jsonapi.Route {
	return s.outsideVerb(":allow", "allowClient", "Vouches for a client that no administrator added.",
		"The consent page doesn't warn of it any more, and it works although the tenant's rule doesn't list its host.",
		func(ctx context.Context, c storage.Client, by audit.By) (storage.Client, error) {
			return clients.Judge(ctx, s.Store, c, storage.VerdictAllowed, by)
		})
}

func (s *Server) denyClient() jsonapi.Route {
	return s.outsideVerb(":deny", "denyClient", "Disables a client that no administrator added, for good.",
		"All that users allowed it stops working, and it can't come back. `:allow` lets it in again.",
		func(ctx context.Context, c storage.Client, by audit.By) (storage.Client, error) {
			return clients.Judge(ctx, s.Store, c, storage.VerdictDenied, by)
		})
}

func (s *Server) refreshClient() jsonapi.Route {
	return s.outsideVerb(":refresh", "refreshClient", "Has the document of a client read again.",
		"It is read when the client is used next.",
		func(ctx context.Context, c storage.Client, _ audit.By) (storage.Client, error) {
			return clients.ReadAgain(ctx, s.Store, c)
		})
}

// outsideVerb is an operation on a client that no administrator added.
func (s *Server) outsideVerb(verb, id, summary, text string,
	do func(ctx context.Context, c storage.Client, by audit.By) (storage.Client, error),
) jsonapi.Route {
	return handle(s, jsonapi.Operation{
		Method: http.MethodPost, Path: "/clients/{client}" + verb, ID: id, Scope: "clients:write", Summary: summary,
		Text: text, Problems: []jsonapi.Outcome{notOutside, moved},
	}, func(c *call, in ofClient) (out shownClient, err error) {
		found, err := s.managed(c, in.Client)
		if err != nil {
			return out, err
		}
		if found.Outside == nil || id == "refreshClient" && found.Outside.Origin != storage.OriginDocument {
			return out, &jsonapi.Problem{Status: http.StatusConflict, Code: notOutside.Code,
				Detail: "An administrator added this client, or it has no document."}
		}
		if found, err = do(c.Context(), found, c.asker.Event); err != nil {
			return out, err
		}
		return showClient(found)
	})
}
