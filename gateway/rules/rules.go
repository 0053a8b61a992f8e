package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// File is what a gateway file declares.
type File struct {
	// Tenant is the id of the tenant whose users the gateway lets through. Default: the default tenant.
	Tenant string `yaml:"tenant"`
	// Entries are the proxies that ask, each with the form of its requests.
	Entries []Entry `yaml:"entries"`
	// Headers are names of headers that take the place of the usual ones, by what they hold.
	Headers map[string]string `yaml:"headers"`
	// Rules are tried in their order.
	Rules []Rule `yaml:"rules"`
}

// Entry is a proxy, or several that ask alike.
type Entry struct {
	// ID is part of the path that the proxy asks: /forward-auth/ID.
	ID string `yaml:"id"`
	// Form says which headers of a check describe the request that is checked. All others are ignored.
	Form string `yaml:"form"`
}

// Forms of checks.
const (
	// Nginx is auth_request: X-Original-Method and X-Original-URL. Its checks are answered with 200, 401 or 403.
	Nginx = "nginx"
	// HAProxy is the Lua script of examples/proxies: the same headers, and any answer.
	HAProxy = "haproxy"
	// Traefik is ForwardAuth: X-Forwarded-Method, X-Forwarded-Host and X-Forwarded-Uri.
	Traefik = "traefik"
	// Caddy is forward_auth, with the headers of Traefik.
	Caddy = "caddy"
	// Envoy is ext_authz over HTTP: the method and the host are those of the check, and the path follows the
	// entry's own.
	Envoy = "envoy"
)

// Forms are all forms of checks.
var Forms = []string{Nginx, HAProxy, Traefik, Caddy, Envoy}

// Rule says who may send some requests.
type Rule struct {
	// Name is for the log and for explanations.
	Name string `yaml:"name"`
	// Hosts are as browsers send them: app.example.com, or *.example.com for all names one label below.
	Hosts []string `yaml:"hosts"`
	// Paths are paths of apps: /reports is itself, and /reports/* also all below it. Without paths all match.
	Paths []string `yaml:"paths"`
	// Methods are those that match. Without methods all do.
	Methods []string `yaml:"methods"`

	// Public lets everyone through, and asks for nothing.
	Public bool `yaml:"public"`
	// Groups are ids of groups: the user must be in one of them.
	Groups []string `yaml:"groups"`
	// Roles are roles: the user must have one of them.
	Roles []Role `yaml:"roles"`
	// MaxAge is how long ago the user may have signed in.
	MaxAge storage.Duration `yaml:"max_age"`
	// SecondFactor demands a sign-in with a second factor.
	SecondFactor bool `yaml:"second_factor"`
	// Audience is that of access tokens that are accepted in the place of a session. Without it none are.
	Audience string `yaml:"audience"`
	// APIKeys accepts API keys in the place of a session. They name no audience, so that Scopes must not be empty.
	APIKeys bool `yaml:"api_keys"`
	// Scopes are what an access token or an API key must have, all of them.
	Scopes []string `yaml:"scopes"`

	// Headers are what the app is told of the user: user, email, name, username, groups, roles, client, scope,
	// identity. Default: user.
	Headers []string `yaml:"headers"`
	// IdentityAudience is the aud of the identity token. Default: https:// and the host of the request.
	IdentityAudience string `yaml:"identity_audience"`
	// SubjectType is how the app knows users: storage.SubjectPublic (the default) or storage.SubjectPairwise.
	SubjectType string `yaml:"subject_type"`
	// Limit is how many requests of one user pass in a time.
	Limit Rate `yaml:"limit"`
}

// Pairwise reports whether the app knows users by the identifiers of its host's sector.
func (r *Rule) Pairwise() bool { return r.SubjectType == storage.SubjectPairwise }

// Role is a role at a client or at an API.
type Role struct {
	Client string `yaml:"client"`
	API    string `yaml:"api"`
	Role   string `yaml:"role"`
}

// What headers can hold, and the names that they have unless the file says otherwise.
var usualNames = map[string]string{
	"user": "X-Auth-User", "email": "X-Auth-Email", "name": "X-Auth-Name", "username": "X-Auth-Username",
	"groups": "X-Auth-Groups", "roles": "X-Auth-Roles", "client": "X-Auth-Client", "scope": "X-Auth-Scope",
	"actor": "X-Auth-Actor", "identity": "X-Auth-Identity",
}

// HeaderName returns the name of the header that holds what.
func (f *File) HeaderName(what string) string {
	if name := f.Headers[what]; name != "" {
		return name
	}
	return usualNames[what]
}

// Entry returns the entry with that id, or nil.
func (f *File) Entry(id string) *Entry {
	for i := range f.Entries {
		if f.Entries[i].ID == id {
			return &f.Entries[i]
		}
	}
	return nil
}

// Rate is a number of requests in a time, such as 600/1m. The zero Rate bounds nothing.
type Rate struct {
	Max    int64
	Window time.Duration
}

// UnmarshalText reads 600/1m.
func (r *Rate) UnmarshalText(text []byte) error {
	n, window, ok := strings.Cut(string(text), "/")
	count, err := strconv.ParseInt(n, 10, 64)
	d, err2 := time.ParseDuration(window)
	if !ok || err != nil || err2 != nil || count < 1 || count > 1_000_000_000 || d < time.Second || d > 24*time.Hour {
		return fmt.Errorf("%q is not a number of requests in a time of up to 24h: write, for example, 600/1m", text)
	}
	*r = Rate{count, d}
	return nil
}

// Told returns what headers can hold, in alphabetical order.
func Told() []string { return slices.Sorted(maps.Keys(usualNames)) }

// Who says in words which users the rule lets through.
func (r *Rule) Who() string {
	if r.Public {
		return "everyone"
	}
	who := "signed in"
	if len(r.Groups) > 0 {
		who += ", in " + strings.Join(r.Groups, " or ")
	}
	for i, role := range r.Roles {
		who += map[bool]string{true: ", as ", false: " or "}[i == 0] + role.Role + " of " + role.Client + role.API
	}
	if r.SecondFactor {
		who += ", with a second factor"
	}
	if r.MaxAge > 0 {
		who += ", within " + time.Duration(r.MaxAge).String()
	}
	if r.Audience != "" {
		who += "; or a token for " + r.Audience
	}
	if r.APIKeys {
		who += "; or an API key"
	}
	if len(r.Scopes) > 0 {
		who += " with " + strings.Join(r.Scopes, " ")
	}
	if r.Limit.Max > 0 {
		who += "; " + strconv.FormatInt(r.Limit.Max, 10) + " requests in " + r.Limit.Window.String()
	}
	return who
}
