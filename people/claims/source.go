package claims

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Ask is what is asked for in one of Places: scopes, and claims by their names.
type Ask struct {
	In     string
	Scopes []string
	Claims []string
	// Audience is that of the access token.
	Audience []string
}

// Kinds of sources: what stands before the first dot of from.
const (
	sourceGroups     = "groups"
	sourceRoles      = "roles"
	sourceAttributes = "attributes"
	sourceProfile    = "profile"
	sourceExternalID = "external_id"
	sourceClient     = "client"
	sourceTenant     = "tenant"
	sourceUpstream   = "upstream"
)

// Subject is what rules read: a client, its tenant, and a user.
type Subject struct {
	Tenant *storage.Tenant
	Client *storage.Client
	// User is nil for a token that a client got for itself.
	User *storage.User
	// Names are by what the client knows users and sessions. The zero value: by their ids.
	Names pairwise.Names
	// Belonging is what the user belongs to; for a token that a client got for itself, it has the client's roles.
	// It is read only if Rules.NeedBelonging says so, and nil otherwise.
	Belonging *storage.Belonging
	// Identities are the user's accounts at upstream providers. They are read only if
	// Rules.NeedIdentities says so.
	Identities []storage.Identity
	// TooLarge are the claims that Give has left out, because too much was given already.
	TooLarge []string
}

// Rules returns the rules that apply to the client.
func (s *Subject) Rules() Rules { return RulesOf(s.Tenant, s.Client) }

// clientFields and tenantFields are the fields that rules can read, named as in the files that declare them.
var (
	clientFields = map[string]func(c *storage.Client) string{
		"client_id":   func(c *storage.Client) string { return c.ClientID },
		"client_name": func(c *storage.Client) string { return c.ClientName },
		"client_uri":  func(c *storage.Client) string { return c.ClientURI },
	}
	tenantFields = map[string]func(t *storage.Tenant) string{
		"id":   func(t *storage.Tenant) string { return t.ID },
		"name": func(t *storage.Tenant) string { return t.Name },
		"host": func(t *storage.Tenant) string { return t.Host },
	}
	upstreamFields = map[string]func(i *storage.Identity) string{
		"subject": func(i *storage.Identity) string { return i.Subject },
		"email":   func(i *storage.Identity) string { return i.Email },
	}
)

// read returns the value of a source for what is asked, or nil if it is not known: a text, a truth value, a
// number, a list of texts or an address.
func (s *Subject) read(from string, a Ask) any {
	kind, name, _ := strings.Cut(from, ".")
	switch {
	case kind == sourceRoles && s.Belonging != nil:
		return s.roles(a)
	case kind == sourceClient && s.Client != nil:
		return field(clientFields[name], s.Client)
	case kind == sourceTenant && s.Tenant != nil:
		return field(tenantFields[name], s.Tenant)
	case s.User == nil:
		return nil
	}
	switch kind {
	case sourceGroups:
		if s.Belonging != nil {
			return s.Belonging.Groups
		}
	case sourceAttributes:
		return s.attribute(name)
	case sourceExternalID:
		return text(s.User.ExternalID)
	case sourceProfile:
		return profileOf(s.User, name)
	case sourceUpstream:
		return s.readIdentity(name)
	}
	return nil
}

// roles returns the roles that count where the claim is given: at the one API that an access token is for,
// otherwise at the client. A role's name does not say where it counts. Therefore a token for several APIs has no
// roles: each of them would take the others' for its own.
func (s *Subject) roles(a Ask) any {
	var apis []string
	for _, aud := range a.Audience {
		if s.Tenant.Settings.API(aud) != nil {
			apis = append(apis, aud)
		}
	}
	switch len(apis) {
	case 0:
		return s.Belonging.RolesAt(s.Client.ClientID)
	case 1:
		return s.Belonging.RolesAt("", apis[0])
	}
	return nil
}

// attribute returns the user's value of an attribute that the tenant declares.
func (s *Subject) attribute(name string) any {
	if s.Tenant == nil || s.Tenant.Settings.Attribute(name) == nil {
		return nil
	}
	list, ok := s.User.Attributes[name].([]any)
	if !ok {
		return s.User.Attributes[name]
	}
	texts := make([]string, 0, len(list))
	for _, v := range list {
		if one, ok := v.(string); ok {
			texts = append(texts, one)
		}
	}
	return texts
}

// field returns what read returns of a record, or nil if there is no such field.
func field[T any](read func(*T) string, of *T) any {
	if read == nil {
		return nil
	}
	return text(read(of))
}

// profileOf returns the value of a built-in claim about the user, or of a member of the address.
func profileOf(u *storage.User, claim string) any {
	switch c := Standard.Named(claim); {
	case c == nil:
		return nil
	case c.Value != nil:
		return c.Value(u)
	case c.Text != nil && u.Profile.Address != nil:
		return text(*c.Text(&u.Profile))
	}
	return nil
}

// readIdentity returns a field of the user's account at an upstream provider, by ID.FIELD. The one that was
// linked first counts.
func (s *Subject) readIdentity(name string) any {
	id, member, _ := strings.Cut(name, ".")
	i := slices.IndexFunc(s.Identities, func(i storage.Identity) bool { return i.Provider == id })
	if i < 0 {
		return nil
	}
	return field(upstreamFields[member], &s.Identities[i])
}

// UpstreamOf returns the id of the upstream provider that a rule reads an account of, if it does.
func UpstreamOf(r *storage.ClaimRule) (id string, ok bool) {
	name, ok := strings.CutPrefix(r.From, sourceUpstream+".")
	id, _, _ = strings.Cut(name, ".")
	return id, ok
}

// AttributeOf returns the name of the attribute that a rule reads, if it does.
func AttributeOf(r *storage.ClaimRule) (name string, ok bool) {
	return strings.CutPrefix(r.From, sourceAttributes+".")
}

// sourceType returns the type of a source's values, or what is wrong with it.
func sourceType(from string) (typ Type, fault string) {
	kind, name, _ := strings.Cut(from, ".")
	switch kind {
	case sourceGroups, sourceRoles:
		if from == kind {
			return List, ""
		}
	case sourceAttributes:
		if name != "" {
			return "", "" // the tenant knows
		}
	case sourceExternalID:
		if from == sourceExternalID {
			return String, ""
		}
	case sourceProfile:
		if c := Standard.Named(name); c != nil && !c.Protocol() {
			return c.Type, ""
		}
		return "", "no claim of a profile: docs/claims.md lists them"
	case sourceClient:
		return String, fieldFault(clientFields, name)
	case sourceTenant:
		return String, fieldFault(tenantFields, name)
	case sourceUpstream:
		id, member, ok := strings.Cut(name, ".")
		if !ok || id == "" {
			return "", "write upstream.ID.subject, with the id of an upstream"
		}
		return String, fieldFault(upstreamFields, member)
	}
	return "", "write groups, roles, attributes.NAME, external_id, profile.NAME, client.NAME, tenant.NAME or " +
		"upstream.ID.NAME"
}

// fieldFault says that there is no such field, and which there are; "" if there is.
func fieldFault[T any](fields map[string]func(*T) string, name string) string {
	if fields[name] != nil {
		return ""
	}
	return fmt.Sprintf("%q can't be read: write one of %s", name, strings.Join(sortedKeys(fields), ", "))
}

// sortedKeys returns the keys of a map in alphabetical order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
