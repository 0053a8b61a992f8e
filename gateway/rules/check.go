package rules

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/hostname"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Fault is what is wrong with a field, and what to write instead. Field is a path such as rules.0.hosts.1.
type Fault struct{ Field, Message string }

var (
	idForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	headerForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,62}$`)
	methodForm = regexp.MustCompile(`^[A-Z]{1,20}$`)
	scopeForm  = regexp.MustCompile(`^[!#-\[\]-~]+$`)
)

// reserved are headers that the gateway or a proxy uses itself: one of these may not carry what the app is told.
var reserved = []string{"Host", "Cookie", "Set-Cookie", "Location", "Connection", "Content-Length", "Content-Type",
	"Transfer-Encoding", "Upgrade", "Te", "Trailer", "Forwarded", "Retry-After", "Cache-Control", "Vary",
	"Www-Authenticate", "Ratelimit", "Ratelimit-Policy", "X-Request-Id", "X-Original-Url", "X-Original-Method",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Method", "X-Forwarded-Proto", "X-Forwarded-Uri", "X-Real-Ip"}

// Check returns all that is wrong with the file for an issuer, fills the defaults and writes hosts as browsers do.
func (f *File) Check(issuer *url.URL) []Fault {
	c := &checks{File: f, issuer: issuer}
	if f.Tenant == "" {
		f.Tenant = storage.DefaultTenant
	}
	if len(f.Entries) == 0 {
		c.fault("entries", "are missing: write - id: NAME and form: with one of %s", strings.Join(Forms, ", "))
	}
	for i := range f.Entries {
		c.entry(i, &f.Entries[i])
	}
	c.names()
	if len(f.Rules) == 0 {
		c.fault("rules", "are missing: without one the gateway refuses every request")
	}
	for i := range f.Rules {
		c.rule("rules."+strconv.Itoa(i), &f.Rules[i])
	}
	return c.faults
}

type checks struct {
	*File
	issuer *url.URL
	faults []Fault
}

func (c *checks) fault(field, format string, args ...any) {
	c.faults = append(c.faults, Fault{field, fmt.Sprintf(format, args...)})
}

func (c *checks) entry(i int, e *Entry) {
	at := "entries." + strconv.Itoa(i)
	if !idForm.MatchString(e.ID) {
		c.fault(at+".id", "%q is no id: write small letters, digits and hyphens, such as edge", e.ID)
	} else if c.File.Entry(e.ID) != e {
		c.fault(at+".id", "%q is the id of another entry", e.ID)
	}
	if !slices.Contains(Forms, e.Form) {
		c.fault(at+".form", "%q is not known: write one of %s", e.Form, strings.Join(Forms, ", "))
	}
}

// names checks the names of headers. Two that differ in case or in - and _ alone are one header for some apps.
func (c *checks) names() {
	whats := slices.Sorted(maps.Keys(usualNames))
	for _, what := range slices.Sorted(maps.Keys(c.Headers)) {
		at, name := "headers."+what, c.Headers[what]
		switch {
		case usualNames[what] == "":
			c.fault(at, "is not known: write one of %s", strings.Join(whats, ", "))
		case !headerForm.MatchString(name):
			c.fault(at, "%q is no name of a header: write letters, digits and hyphens", name)
		case slices.ContainsFunc(reserved, func(r string) bool { return strings.EqualFold(r, name) }):
			c.fault(at, "%s has another meaning: write another name", name)
		case strings.EqualFold(name, "Authorization") && what != "identity":
			c.fault(at, "Authorization can carry the identity alone")
		}
	}
	seen := map[string]string{}
	for _, what := range whats {
		name := strings.ToLower(c.HeaderName(what))
		if other := seen[name]; other != "" {
			c.fault("headers."+what, "%s carries %s already", c.HeaderName(what), other)
		}
		seen[name] = what
	}
}

func (c *checks) rule(at string, r *Rule) {
	if len(r.Hosts) == 0 {
		c.fault(at+".hosts", "are missing: write, for example, [app.example.com]")
	}
	for i, h := range r.Hosts {
		r.Hosts[i] = c.host(at+".hosts."+strconv.Itoa(i), h)
	}
	for i, p := range r.Paths {
		bare := strings.TrimSuffix(p, "/*")
		read, err := Path(bare + "/")
		if p == "/" {
			read, err = Path(p)
		}
		if !strings.HasPrefix(p, "/") || err != nil || strings.ContainsAny(bare, "*?") ||
			strings.TrimSuffix(read, "/") != bare && p != "/" {
			c.fault(at+".paths."+strconv.Itoa(i), "%q is no path: write /reports, or /reports/* for all below it too", p)
		}
	}
	for i, m := range r.Methods {
		if !methodForm.MatchString(m) {
			c.fault(at+".methods."+strconv.Itoa(i), "%q is no method: write capital letters, such as GET", m)
		}
	}
	for i, s := range r.Scopes {
		if !scopeForm.MatchString(s) {
			c.fault(at+".scopes."+strconv.Itoa(i), "%q is no scope", s)
		}
	}
	for i, role := range r.Roles {
		if (role.Client == "") == (role.API == "") || role.Role == "" {
			c.fault(at+".roles."+strconv.Itoa(i), "want a role, and the client or the API that it belongs to: "+
				"{client: wiki, role: editor}")
		}
	}
	c.demands(at, r)
	if len(r.Headers) == 0 && !r.Public {
		r.Headers = []string{"user"}
	}
	for i, h := range r.Headers {
		if usualNames[h] == "" {
			c.fault(at+".headers."+strconv.Itoa(i), "%q is not known: write some of %s", h,
				strings.Join(slices.Sorted(maps.Keys(usualNames)), ", "))
		}
	}
}

// demands checks that what a rule demands fits together.
func (c *checks) demands(at string, r *Rule) {
	if r.Public && (len(r.Groups)+len(r.Roles)+len(r.Scopes)+len(r.Headers) > 0 || r.MaxAge > 0 || r.SecondFactor ||
		r.TakesBearers() || r.IdentityAudience != "" || r.SubjectType != "" || r.Limit.Max > 0) {
		c.fault(at+".public", "lets everyone through: leave out what a user must have or is told to the app")
	}
	if types := []string{"", storage.SubjectPublic, storage.SubjectPairwise}; !slices.Contains(types, r.SubjectType) {
		c.fault(at+".subject_type", "%q is not known: write %s or %s", r.SubjectType, types[1], types[2])
	}
	if len(r.Scopes) > 0 && !r.TakesBearers() {
		c.fault(at+".scopes", "are for access tokens: name in audience the API that these are for")
	}
	if r.APIKeys && len(r.Scopes) == 0 {
		c.fault(at+".api_keys", "would accept every API key: name in scopes what a key must be allowed to do")
	}
	if r.Audience != "" && strings.TrimSuffix(r.Audience, "/") == strings.TrimSuffix(c.issuer.String(), "/") {
		c.fault(at+".audience", "is the issuer's own: tokens for it are for Vouchsafe, and an app must not receive them")
	}
	if r.IdentityAudience != "" && !slices.Contains(r.Headers, "identity") {
		c.fault(at+".identity_audience", "is of the identity token, which headers does not name")
	}
}

// host returns a host as browsers send it. It may not be the issuer's: an app on the same host would get the
// cookies of the issuer.
func (c *checks) host(at, h string) string {
	below, wildcard := strings.CutPrefix(h, "*.")
	canonical, err := hostname.Canonical(c.issuer.Scheme, below)
	switch {
	case err != nil:
		c.fault(at, "%q is no host: write app.example.com, or *.example.com for all names below it", h)
		return h
	case wildcard && !strings.Contains(canonical, "."):
		c.fault(at, "%q would be every host: write, for example, *.apps.example.com", h)
	case HostOf(canonical) == c.issuer.Hostname() && !wildcard:
		c.fault(at, "%q is the issuer's own host: an app there would get the cookies of its users' sessions", h)
	}
	if wildcard {
		return "*." + canonical
	}
	return canonical
}
