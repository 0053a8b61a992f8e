package register

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/provider/oauth"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Server serves the registration endpoint. All fields are required.
type Server struct {
	Store  storage.Clients
	Limits *limit.Limiter
	// Bearer returns what the access token or the API key stands for that a request brings.
	Bearer func(r *http.Request) (storage.Bearer, error)
	// CheckSector reads the list at a client's sector_identifier_uri. Its error is a clients.Fault if that lacks a
	// redirect URI of the client.
	CheckSector func(ctx context.Context, c *storage.Client) error
}

// Path is that of the endpoint, below the issuer. A client manages itself at Path?client_id=ID.
const Path = "/register"

// scope is what an initial access token needs (RFC 7591 section 3).
const scope = "clients:write"

// How many clients may be registered from an address, and at a tenant.
var (
	perAddress = limit.Rule{Name: "register", Max: 20, Window: time.Hour}
	perTenant  = limit.Rule{Name: "register-tenant", Max: 1000, Window: time.Hour}
	// of lists of redirect URIs that are read
	sectors = limit.Rule{Name: "sector", Max: 30, Window: time.Hour}
)

// Errors of RFC 7591 section 3.2.2.
var (
	errRedirectURI = &fosite.RFC6749Error{CodeField: http.StatusBadRequest, ErrorField: "invalid_redirect_uri"}
	errMetadata    = &fosite.RFC6749Error{CodeField: http.StatusBadRequest, ErrorField: "invalid_client_metadata"}
	errStatement   = &fosite.RFC6749Error{CodeField: http.StatusBadRequest, ErrorField: "unapproved_software_statement"}
)

// Offered reports whether clients may register themselves at the tenant.
func Offered(t *issuer.Tenant) bool { return t.Settings.OutsideClients.Registers() }

// Register serves the endpoint.
func (s *Server) Register(w http.ResponseWriter, r *http.Request) error {
	if !Offered(web.TenantOf(r.Context())) {
		return (&fosite.RFC6749Error{CodeField: http.StatusForbidden, ErrorField: "access_denied"}).WithDescription(
			"Clients can't register themselves here. An administrator can add the client, or set " +
				"outside_clients.registration of the tenant.")
	}
	if r.Method == http.MethodPost {
		return s.add(w, r)
	}
	c, token, err := s.own(r)
	if err != nil {
		return err
	}
	switch r.Method {
	case http.MethodPut:
		return s.change(w, r, c, token)
	case http.MethodDelete:
		err := clients.Remove(r.Context(), s.Store, c.TenantID, c.ClientID, by(r.Context(), c.ClientID))
		if err != nil {
			return err
		}
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return answer(w, r, http.StatusOK, c, "", token)
}

// add registers a client.
func (s *Server) add(w http.ResponseWriter, r *http.Request) error {
	ctx, t := r.Context(), web.TenantOf(r.Context())
	actor := ""
	if t.Settings.OutsideClients.Registration == storage.OutsideToken {
		b, err := s.Bearer(r)
		if err != nil {
			return challenge(w, t, err)
		}
		if !slices.Contains(b.Scopes, scope) || b.Key == nil && !slices.Contains(b.Audience, t.URL("/api/v1")) {
			return challenge(w, t, oauth.ErrInsufficientScope.WithDescription("To register clients takes the scope "+scope+"."))
		}
		if actor = b.Client.ClientID; b.User != nil {
			actor = b.User.ID
		}
	}
	text, err := body(w, r)
	if err != nil {
		return err
	}
	c, err := clients.ReadRegistration(text)
	if err != nil {
		return refusal(err)
	}
	ip := web.RequestOf(ctx).IP
	rules := append(limit.Networks(ip, perAddress, limit.Stays), limit.By{Rule: perTenant})
	err = oauth.Admit(ctx, s.Limits, "Too many clients were registered from this IP address or at this tenant. "+
		"Wait a while.", rules...)
	if err != nil {
		return err
	}
	if err := s.checkSector(ctx, t, &c); err != nil {
		return err
	}
	c, made, token, err := clients.Register(ctx, s.Store, t.ID, c, by(ctx, actor))
	if err != nil {
		return err
	}
	web.Note(ctx, "client", c.ClientID)
	return answer(w, r, http.StatusCreated, c, made, token)
}

// change replaces what a client has registered (RFC 7592 section 2.2).
func (s *Server) change(w http.ResponseWriter, r *http.Request, was storage.Client, token string) error {
	text, err := body(w, r)
	if err != nil {
		return err
	}
	var sent struct {
		ClientID string `json:"client_id"`
		Secret   string `json:"client_secret"`
	}
	if json.Unmarshal(text, &sent) != nil || sent.ClientID != was.ClientID {
		return errMetadata.WithDescription("client_id is missing, or isn't the client's own.")
	}
	if sent.Secret != "" && !slices.ContainsFunc(was.SecretHashes, func(hash string) bool {
		return clients.HashIsFast(hash) && clients.MatchSecret(hash, sent.Secret)
	}) {
		return errMetadata.WithDescription("client_secret isn't the client's own.")
	}
	c, err := clients.ReadRegistration(text)
	if err != nil {
		return refusal(err)
	}
	if err := s.checkSector(r.Context(), web.TenantOf(r.Context()), &c); err != nil {
		return err
	}
	c, made, err := clients.Reregister(r.Context(), s.Store, was, c, by(r.Context(), was.ClientID))
	if errors.Is(err, storage.ErrStale) {
		return fosite.ErrTemporarilyUnavailable.WithDescription("The client has just been changed elsewhere. Try again.")
	}
	if err != nil {
		return refusal(err)
	}
	return answer(w, r, http.StatusOK, c, made, token)
}

// checkSector refuses a client that its sector does not list. The error does not tell what this server can reach.
func (s *Server) checkSector(ctx context.Context, t *issuer.Tenant, c *storage.Client) error {
	if c.SectorIdentifierURI == "" {
		return nil
	}
	ip := web.RequestOf(ctx).IP
	err := oauth.Admit(ctx, s.Limits, "Too many lists at sector_identifier_uri were read for this IP address. "+
		"Wait a while.", limit.Networks(ip, sectors, limit.Stays)...)
	if err != nil {
		return err
	}
	err = s.CheckSector(ctx, c)
	if _, is := errors.AsType[clients.Fault](err); err != nil && !is {
		web.Note(ctx, "why", err.Error())
		err = clients.Fault{Field: "sector_identifier_uri", Message: clients.UnreadableSector}
	}
	return refusal(err)
}

// own returns the client whose registration access token the request brings, and the token. All failures look the same.
func (s *Server) own(r *http.Request) (c storage.Client, token string, err error) {
	ctx, t := r.Context(), web.TenantOf(r.Context())
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	id := r.URL.Query().Get("client_id")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(id) > oauth.MaxClientID || !storage.WellFormed(id) {
		return c, "", oauth.ErrInvalidToken
	}
	c, err = s.Store.Client(ctx, t.ID, id)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return c, "", err
	}
	if err != nil || !clients.MatchRegistration(&c, token) || c.Disabled || !clients.Admits(&t.Tenant, &c) {
		return c, "", oauth.ErrInvalidToken
	}
	web.Note(ctx, "client", c.ClientID)
	return c, token, nil
}

// challenge returns err, and says how to send an initial access token (RFC 6750 section 3).
func challenge(w http.ResponseWriter, t *issuer.Tenant, err error) error {
	if no := oauth.Refusal(err); no != nil && oauth.ByProof(no) {
		w.Header().Set("WWW-Authenticate", oauth.DPoPChallenge(t, no))
	} else if no != nil && no.CodeField < 500 {
		w.Header().Set("WWW-Authenticate", `Bearer scope="`+scope+`"`)
	}
	return err
}

// body returns the JSON that a client sent.
func body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || typ != "application/json" {
		return nil, fosite.ErrInvalidRequest.WithDescription("Send the metadata with Content-Type: application/json.")
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, oauth.MaxForm))
	if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
		return nil, oauth.ErrTooLarge.WithWrap(err)
	}
	if err != nil {
		return nil, fosite.ErrInvalidRequest.WithDescription("The body could not be read.").WithWrap(err)
	}
	return text, nil
}

// refusal returns what a client is told that can't be registered.
func refusal(err error) error {
	fault, ok := errors.AsType[clients.Fault](err)
	if !ok {
		return err
	}
	text := strings.TrimPrefix(fault.Error(), ": ") + "."
	switch fault.Field {
	case "redirect_uris":
		return errRedirectURI.WithDescription(text)
	case "software_statement":
		return errStatement.WithDescription(text)
	}
	return errMetadata.WithDescription(text)
}

// by returns who changes a client in the request: the client itself unless an actor is named.
func by(ctx context.Context, actor string) func(storage.Event) storage.Event {
	return func(e storage.Event) storage.Event {
		if actor != "" {
			e.Actor = actor
		}
		return oauth.Event(ctx, e)
	}
}

// registered is what a client learns of its registration (RFC 7591 section 3.2.1, RFC 7592 section 3).
type registered struct {
	storage.Client
	Scope         string `json:"scope"`
	BoundTokens   bool   `json:"dpop_bound_access_tokens,omitempty"` // RFC 9449 section 5.2
	Secret        string `json:"client_secret,omitempty"`
	SecretExpires *int64 `json:"client_secret_expires_at,omitempty"`
	IssuedAt      int64  `json:"client_id_issued_at"`
	Token         string `json:"registration_access_token"`
	URI           string `json:"registration_client_uri"`
}

// answer tells a client what is registered of it. secret is "" unless it was made just now: only its hash is stored.
func answer(w http.ResponseWriter, r *http.Request, status int, c storage.Client, secret, token string) error {
	t := web.TenantOf(r.Context())
	shown := storage.Client{ // without what administrators have set
		ClientID: c.ClientID, ClientName: c.ClientName, ClientURI: c.ClientURI, LogoURI: c.LogoURI, PolicyURI: c.PolicyURI,
		TosURI: c.TosURI, ApplicationType: c.ApplicationType, RedirectURIs: c.RedirectURIs,
		PostLogoutRedirectURIs: c.PostLogoutRedirectURIs, GrantTypes: c.GrantTypes, ResponseTypes: c.ResponseTypes,
		TokenEndpointAuthMethod:     c.TokenEndpointAuthMethod,
		TokenEndpointAuthSigningAlg: c.TokenEndpointAuthSigningAlg, JWKS: c.JWKS, JWKSURI: c.JWKSURI,
		IDTokenSignedResponseAlg: c.IDTokenSignedResponseAlg, UserinfoSignedResponseAlg: c.UserinfoSignedResponseAlg,
		SubjectType: cmp.Or(c.SubjectType, storage.SubjectPublic), SectorIdentifierURI: c.SectorIdentifierURI,
		Contacts: c.Contacts, DefaultMaxAge: c.DefaultMaxAge, RequireAuthTime: c.RequireAuthTime,
		DefaultACRValues: c.DefaultACRValues, InitiateLoginURI: c.InitiateLoginURI,
		RequestObjectSigningAlg:            c.RequestObjectSigningAlg,
		RequirePushedAuthorizationRequests: c.RequirePushedAuthorizationRequests,
		RequireSignedRequestObject:         c.RequireSignedRequestObject,
		BackchannelLogoutURI:               c.BackchannelLogoutURI,
		BackchannelLogoutSessionRequired:   c.BackchannelLogoutSessionRequired,
	}
	out := registered{Client: shown, Scope: clients.OutsideScope(&t.Tenant, &c), Secret: secret,
		BoundTokens: c.NeedsProof(),
		IssuedAt:    c.CreatedAt.Unix(), Token: token,
		URI: t.URL(Path) + "?" + url.Values{"client_id": {c.ClientID}}.Encode()}
	if secret != "" {
		out.SecretExpires = new(int64)
	}
	return oauth.WriteJSON(w, status, out)
}
