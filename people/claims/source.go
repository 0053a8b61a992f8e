package claims

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Kinds of sources: what stands before the first dot of from.
const (
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

// read returns the value of a source, or nil if it is not known: a text, a truth value, a number, a list of
// texts or an address.
func (s *Subject) read(from string) any {
	kind, name, _ := strings.Cut(from, ".")
	switch {
	case kind == sourceClient && s.Client != nil:
		return field(clientFields[name], s.Client)
	case kind == sourceTenant && s.Tenant != nil:
		return field(tenantFields[name], s.Tenant)
	case s.User == nil:
		return nil
	}
	switch kind {
	case sourceExternalID:
		return text(s.User.ExternalID)
	case sourceProfile:
		return profileOf(s.User, name)
	case sourceUpstream:
		return s.readIdentity(name)
	}
	return nil
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

// sourceType returns the type of a source's values, or what is wrong with it.
func sourceType(from string) (typ Type, fault string) {
	kind, name, _ := strings.Cut(from, ".")
	switch kind {
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
	return "", "write external_id, profile.NAME, client.NAME, tenant.NAME or upstream.ID.NAME"
}

// fieldFault says that there is no such field, and which there are; "" if there is.
func fieldFault[T any](fields map[string]func(*T) string, name string) string {
	if fields[name] != nil {
		return ""
	}
	return fmt.Sprintf("%q can't be read: write one of %s", name, strings.Join(sortedKeys(fields), ", "))
}
