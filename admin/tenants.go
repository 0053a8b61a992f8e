package admin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/diff"
	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// tenant is what administrators write about a tenant. Its members are those of tenants.yaml.
type tenant struct {
	// As in tenants.yaml, what is left out of these stays as it is.
	Name     *string `json:"name,omitempty" doc:"What users see."`
	Host     *string `json:"host,omitempty" doc:"A host name of its own; without one the tenant is at /t/ID. Only the operator changes it."`
	LogoURI  *string `json:"logo_uri,omitempty" max:"2048" doc:"The https URL of a logo."`
	Disabled *bool   `json:"disabled,omitempty" doc:"Nothing of the tenant works. Only the operator changes it."`

	SignUp         storage.SignUpSettings        `json:"sign_up,omitzero" doc:"Who may make an account."`
	SignIn         storage.SignInSettings        `json:"sign_in,omitzero" doc:"How users sign in."`
	Passwords      storage.PasswordSettings      `json:"passwords,omitzero" doc:"What holds for a password's change."`
	SecondFactor   storage.SecondFactorSettings  `json:"second_factor,omitzero" doc:"When more than one proof is needed."`
	SignInAs       storage.SignInAsSettings      `json:"sign_in_as,omitzero" doc:"Whether administrators may sign in as users."`
	Administrators storage.AdministratorSettings `json:"administrators,omitzero" doc:"What the sign-in of an administrator has to be like for the console and, with tokens of a sign-in, for this API."`
	APIKeys        storage.APIKeySettings        `json:"api_keys,omitzero" doc:"Whether users have API keys, and how long keys live."`
	Limits         storage.LimitSettings         `json:"limits,omitzero" doc:"How many messages are sent."`
	Branding       branding                      `json:"branding,omitzero" doc:"How pages and emails look."`
	Mails          []mailText                    `json:"mails,omitempty" doc:"Own texts of messages: see docs/mail.md."`
	Claims         []storage.ClaimRule           `json:"claims,omitempty" doc:"What else apps learn about users: see docs/claims.md."`
	Attributes     []storage.Attribute           `json:"attributes,omitempty" doc:"What is stored about users beside their profile."`
	APIs           []storage.API                 `json:"apis,omitempty" doc:"What access tokens can be for."`
	Outside        storage.OutsideSettings       `json:"outside_clients,omitzero" doc:"Which clients work that no administrator added: see docs/mcp.md."`
	Upstreams      []upstream                    `json:"upstreams,omitempty" doc:"Providers at which users may sign in. To change them takes the scope upstreams:write."`
}

// tenantStatus is what is computed about a tenant.
type tenantStatus struct {
	ID        string    `json:"id" doc:"The tenant's id."`
	Issuer    string    `json:"issuer" doc:"The tenant's iss."`
	CreatedAt time.Time `json:"created_at" doc:"When the tenant was added."`
}

// shownTenant is a tenant as the API shows one.
type shownTenant struct {
	tenant
	Status tenantStatus `json:"status" doc:"What is computed. It is ignored in what is sent."`
	answered
}

// showTenant returns the tenant as the API shows one.
func (s *Server) showTenant(t storage.Tenant) (shownTenant, error) {
	out := shownTenant{tenant: fieldsOfTenant(t), Status: tenantStatus{t.ID, tenants.Issuer(s.Issuer, t), t.CreatedAt}}
	tag, err := tagOfTenant(t)
	out.answered = answered{tag: tag}
	return out, err
}

func fieldsOfTenant(t storage.Tenant) tenant {
	set := t.Settings
	out := tenant{
		Name: unlessZero(t.Name), Host: unlessZero(t.Host), LogoURI: unlessZero(t.LogoURI),
		Disabled: unlessZero(t.Disabled), SignUp: set.SignUp, SignIn: set.SignIn,
		Passwords: set.Passwords, SecondFactor: set.SecondFactor, SignInAs: set.SignInAs, APIKeys: set.APIKeys,
		Administrators: set.Administrators, Limits: set.Limits,
		Branding: branding(set.Branding), Claims: set.Claims, Attributes: set.Attributes, APIs: set.APIs,
		Outside: set.OutsideClients,
	}
	for _, m := range set.Mails {
		out.Mails = append(out.Mails, mailText(m))
	}
	for _, u := range set.Upstreams {
		out.Upstreams = append(out.Upstreams, fieldsOfUpstream(u))
	}
	return out
}

// unlessZero returns a pointer to the value, or nil for the zero value.
func unlessZero[T comparable](value T) *T {
	if value == *new(T) {
		return nil
	}
	return &value
}

// orZero returns the pointer, or one to the zero value for nil.
func orZero[T any](value *T) *T {
	if value == nil {
		return new(T)
	}
	return value
}

// whole returns the fields of a patched tenant: what the patch has removed is empty, and does not stay.
func (f tenant) whole() tenant {
	f.Name, f.Host, f.LogoURI, f.Disabled = orZero(f.Name), orZero(f.Host), orZero(f.LogoURI), orZero(f.Disabled)
	return f
}

// tagOfTenant returns the tag of a tenant. Another secret of an upstream changes it, too.
func tagOfTenant(t storage.Tenant) (jsonapi.ETag, error) { return jsonapi.TagOf(t) }

// declared returns the fields as a file would declare them. Settings that are not among the fields stay.
func (f tenant) declared(was storage.Tenant, id string) tenants.Declared {
	set := was.Settings
	set.SignUp, set.SignIn, set.Passwords, set.SecondFactor = f.SignUp, f.SignIn, f.Passwords, f.SecondFactor
	set.APIKeys, set.Administrators = f.APIKeys, f.Administrators
	set.SignInAs, set.Limits, set.Branding, set.Upstreams = f.SignInAs, f.Limits, storage.Branding(f.Branding), nil
	set.Claims, set.Attributes, set.APIs, set.OutsideClients = f.Claims, f.Attributes, f.APIs, f.Outside
	set.Mails = nil
	for _, m := range f.Mails {
		set.Mails = append(set.Mails, storage.MailText(m))
	}
	d := tenants.Declared{
		ID: id, Name: f.Name, Host: f.Host, LogoURI: f.LogoURI, Disabled: f.Disabled, Settings: set,
		Secrets: map[int]string{},
	}
	for i, u := range f.Upstreams {
		d.Settings.Upstreams = append(d.Settings.Upstreams, u.record())
		if u.ClientSecret != "" {
			d.Secrets[i] = u.ClientSecret
		}
	}
	return d
}

// check completes and checks the fields of a tenant, and the webhooks that a file declares with them.
func (s *Server) check(f tenant, was storage.Tenant, id string, hooks ...declaredWebhook) (tenants.Declared, error) {
	d := f.declared(was, id)
	d.Webhooks = declaredWebhooks(hooks)
	err := d.Complete(was, s.Secrets)
	found, ok := errors.AsType[tenants.Faults](err)
	if err != nil && !ok {
		return d, err
	}
	var faults []jsonapi.Fault
	for _, fault := range append(found, d.Check(s.Issuer)...) {
		faults = append(faults, jsonapi.FieldFault(fault.Path, "invalid", told(fault.Message)))
	}
	if len(faults) > 0 {
		return d, invalid(faults...)
	}
	return d, nil
}

// saveTenant stores what the fields say in place of was.
func (s *Server) saveTenant(
	c *call, was storage.Tenant, f tenant, cond jsonapi.Condition, dry bool,
) (out shownTenant, err error) {
	if err := cond.CheckTag(tagOfTenant(was)); err != nil {
		return out, err
	}
	d, err := s.check(f, was, was.ID)
	if err != nil {
		return out, err
	}
	changes := tenants.Preview(was, d, s.Secrets)
	if err := c.maySave(changes); err != nil {
		return out, err
	}
	if dry {
		return out, jsonapi.PreviewOf(changes)
	}
	saved, err := tenants.Save(c.Context(), s.Store, s.Secrets, was, d, c.ofOther)
	if err != nil {
		return out, err
	}
	return s.showTenant(saved)
}

// maySave returns an error if the caller may not make one of the changes: who declares an upstream decides which
// accounts its users open, who declares a webhook learns what users do, and where a tenant is reached concerns the
// others.
func (c *call) maySave(changes diff.Fields) error {
	for _, ch := range changes {
		scope := "tenant:write"
		switch {
		case ch.Name == "host", ch.Name == "disabled":
			scope = "tenants:write"
		case strings.HasPrefix(ch.Name, "upstreams."):
			scope = "upstreams:write"
		case strings.HasPrefix(ch.Name, "webhooks."):
			scope = "webhooks:write"
		}
		if c.operates && (scope == "tenant:write" || scope == "tenants:write") {
			continue
		}
		if err := c.needs(scope); err != nil {
			return err
		}
	}
	return nil
}

// tenantProblems are those of operations that write tenants.
var tenantProblems = []jsonapi.Outcome{wrongFields, taken, moved, notJSON, tooLarge}

// putTenantCall is the input of PUT /tenant.
type putTenantCall struct {
	tenant
	ignored
	jsonapi.Condition
	jsonapi.DryRun
}

// changeTenantCall is the input of operations that change the tenant without a body.
type changeTenantCall struct {
	jsonapi.Condition
	jsonapi.DryRun
}

// own returns the record of the caller's tenant.
func (s *Server) own(c *call) (storage.Tenant, error) {
	return s.Store.Tenant(c.Context(), c.asker.Tenant.ID)
}

func (s *Server) tenantRoutes() []jsonapi.Route {
	return []jsonapi.Route{
		handle(s, jsonapi.Operation{
			Method: http.MethodGet, Path: "/tenant", ID: "getTenant", Scope: "tenant:read",
			Summary: "Returns the tenant with its settings.", Text: "Secrets of upstreams are not shown.",
		}, func(c *call, _ jsonapi.None) (out shownTenant, err error) {
			t, err := s.own(c)
			if err != nil {
				return out, err
			}
			return s.showTenant(t)
		}),
		handle(s, jsonapi.Operation{
			Method: http.MethodPut, Path: "/tenant", ID: "putTenant", Scope: "tenant:write",
			Summary: "Replaces the tenant's settings.",
			Text: "What is left out gets its default; an upstream without `client_secret` keeps the one that it has. What a " +
				"GET answered can be sent as it is, and changes nothing.",
			Problems: tenantProblems,
		}, func(c *call, in putTenantCall) (out shownTenant, err error) {
			t, err := s.own(c)
			if err != nil {
				return out, err
			}
			return s.saveTenant(c, t, in.tenant, in.Condition, in.Dry)
		}),
		s.patchTenant("/tenant", "patchTenant", "tenant:write", "Changes members of the tenant's settings."),
	}
}

// patchTenant returns the route that patches the caller's tenant.
func (s *Server) patchTenant(path, id, scope, summary string) jsonapi.Route {
	read := func(c *call, in changeTenantCall) (tenant, error) {
		t, err := s.own(c)
		return fieldsOfTenant(t), err
	}
	return handlePatch(s, jsonapi.Operation{
		Path: path, ID: id, Scope: scope, Summary: summary, Problems: tenantProblems,
		Text: "A JSON merge patch (RFC 7396): what is left out stays, and null stands for the default.",
	}, read, func(c *call, in changeTenantCall, was, now tenant) (out shownTenant, err error) {
		t, err := s.own(c)
		if err == nil && !equal(was, fieldsOfTenant(t)) {
			err = jsonapi.ErrMoved
		}
		if err != nil {
			return out, err
		}
		return s.saveTenant(c, t, now.whole(), in.Condition, in.Dry)
	})
}

// ofTenant is the input of an operation of the operator about one tenant.
type ofTenant struct {
	Tenant string `path:"tenant" max:"63" doc:"The tenant's id."`
}

// putOneTenantCall is the input of PUT /tenants/{tenant}.
type putOneTenantCall struct {
	ID string `path:"tenant" max:"63" doc:"The tenant's id."`
	putTenantCall
	Webhooks []declaredWebhook `json:"webhooks,omitempty" items:"50" doc:"The webhooks that a tenants file declares: those of an earlier file that are not among them are removed. Left out, all stay. To change them takes the scope webhooks:write."`
}

// removeTenantCall is the input of DELETE /tenants/{tenant}.
type removeTenantCall struct {
	ofTenant
	jsonapi.Condition
	jsonapi.DryRun
}

// operatorRoutes are those for the operator, who works at the default tenant. Elsewhere no caller has their scopes.
func (s *Server) operatorRoutes() []jsonapi.Route {
	return []jsonapi.Route{
		handle(s, jsonapi.Operation{
			Method: http.MethodGet, Path: "/tenants", ID: "listTenants", Scope: "tenants:read",
			Summary: "Lists all tenants by their ids.", Text: "At the default tenant only.",
		}, func(c *call, in pageFields) (jsonapi.Page[shownTenant], error) {
			return page(s, c, in, "tenants", func(after string, limit int) ([]storage.Tenant, error) {
				return s.Store.Tenants(c.Context(), after, limit)
			}, func(t storage.Tenant) string { return t.ID }, s.showTenant)
		}),
		handle(s, jsonapi.Operation{
			Method: http.MethodGet, Path: "/tenants/{tenant}", ID: "getOneTenant", Scope: "tenants:read",
			Summary: "Returns a tenant with its settings.", Text: "At the default tenant only.",
		}, func(c *call, in ofTenant) (out shownTenant, err error) {
			t, err := s.Store.Tenant(c.Context(), in.Tenant)
			if err != nil {
				return out, err
			}
			return s.showTenant(t)
		}),
		handle(s, jsonapi.Operation{
			Method: http.MethodPut, Path: "/tenants/{tenant}", ID: "putOneTenant", Scope: "tenants:write",
			Summary: "Adds a tenant, or replaces its settings.",
			Text: "At the default tenant only. It takes a whole entry of a tenants file: the webhooks, too, which are changed " +
				"one after the other when the settings are stored. If the server stops meanwhile, the same request does the rest.",
			Problems: append([]jsonapi.Outcome{tooManyWebhooks}, tenantProblems...),
		}, s.putOneTenant),
		handle(s, jsonapi.Operation{
			Method: http.MethodDelete, Path: "/tenants/{tenant}", ID: "removeTenant", Scope: "tenants:write",
			Summary: "Removes a tenant with all its users and clients, for good.", Text: "At the default tenant only.",
			Problems: []jsonapi.Outcome{{Status: http.StatusConflict, Code: "default_tenant",
				When: "the default tenant can't be removed."}},
		}, s.removeTenant),
	}
}

func (s *Server) putOneTenant(c *call, in putOneTenantCall) (out shownTenant, err error) {
	c.operates = true
	if !tenants.ValidID(in.ID) {
		return out, jsonapi.Faulty(jsonapi.ParameterFault("tenant", "invalid", "This isn't an id: "+tenants.IDRule+"."))
	}
	was, err := s.Store.Tenant(c.Context(), in.ID)
	isNew := isNotFound(err)
	switch {
	case isNew:
		was, err = storage.Tenant{}, in.Condition.Check("")
	case err == nil:
		err = in.Condition.CheckTag(tagOfTenant(was))
	}
	if err != nil {
		return out, err
	}
	d, err := s.check(in.tenant, was, in.ID, in.Webhooks...)
	if err != nil {
		return out, err
	}
	hooks, err := s.planWebhooks(c, d)
	if err != nil {
		return out, err
	}
	changes := append(tenants.Preview(was, d, s.Secrets), hooks.Fields...)
	if err := c.maySave(changes); err != nil {
		return out, err
	}
	if in.Dry {
		return out, jsonapi.PreviewOf(changes)
	}
	saved := storage.Tenant{}
	if isNew {
		saved, err = tenants.AddDeclared(c.Context(), s.Store, s.Secrets, d, c.ofOther)
	} else {
		saved, err = tenants.Save(c.Context(), s.Store, s.Secrets, was, d, c.ofOther)
	}
	if err == nil && hooks.Apply != nil {
		err = hooks.Apply(c.Context())
	}
	if err != nil {
		return out, err
	}
	if out, err = s.showTenant(saved); isNew {
		out.made = c.asker.Tenant.URL(Prefix + "/tenants/" + saved.ID)
	}
	return out, err
}

// ofOther completes an event of another tenant that the caller causes.
func (c *call) ofOther(e storage.Event) storage.Event {
	done := c.asker.Event(e)
	done.TenantID = e.TenantID
	return done
}

func (s *Server) removeTenant(c *call, in removeTenantCall) (none jsonapi.None, err error) {
	t, err := s.Store.Tenant(c.Context(), in.Tenant)
	if err != nil {
		return none, err
	}
	if err := in.Condition.CheckTag(tagOfTenant(t)); err != nil {
		return none, err
	}
	if in.Dry {
		var fields diff.Fields
		fields.AddStruct(fieldsOfTenant(t), tenant{}, "")
		return none, jsonapi.PreviewOf(fields)
	}
	err = tenants.Remove(c.Context(), s.Store, t.ID, c.ofOther)
	if errors.Is(err, tenants.ErrDefault) {
		err = &jsonapi.Problem{Status: http.StatusConflict, Code: "default_tenant", Detail: sentence(err)}
	}
	return none, err
}
