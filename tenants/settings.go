package tenants

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/hostname"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/people/mail"
	"github.com/vouchsafe/vouchsafe/people/phones"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/people/username"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants/brand"
)

// maxPerHour bounds the limits that a tenant can set.
const maxPerHour = 1_000_000

// CheckSettings returns all that is wrong with a tenant's settings, and gives them the form in which
// they are stored: domains become A-labels in small letters.
func CheckSettings(t *storage.TenantSettings) []Fault {
	c := &checks{TenantSettings: t}
	c.signUp()
	c.signIn()
	c.secrets()
	c.limits()
	for _, f := range brand.Check(t.Branding) {
		c.fault("branding."+f.Field, "%s", f.Message)
	}
	c.mails()
	c.upstreams()
	for _, f := range claims.Check(t.Claims) {
		c.fault("claims."+f.Path, "%s", f.Message)
	}
	c.claimSources()
	c.attributes()
	c.apis()
	c.outsideClients()
	return c.faults
}

// checks collects what is wrong with settings.
type checks struct {
	*storage.TenantSettings
	faults []Fault
}

// fault adds a fault of the setting at path.
func (c *checks) fault(path, format string, args ...any) {
	c.faults = append(c.faults, Fault{path, fmt.Sprintf(format, args...)})
}

// oneOf reports a value that is neither empty nor allowed.
func (c *checks) oneOf(path, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		c.fault(path, "%q isn't allowed: write one of %s", value, strings.Join(allowed, ", "))
	}
}

// signUp checks who may sign up.
func (c *checks) signUp() {
	c.oneOf("sign_up.mode", c.SignUp.Mode, storage.SignUpOpen, storage.SignUpInvitation, storage.SignUpClosed)
	for i, d := range c.SignUp.EmailDomains {
		domain, err := address.Domain(d)
		if err != nil {
			c.fault(fmt.Sprintf("sign_up.email_domains.%d", i), "%q isn't a domain: write one, such as example.com", d)
			continue
		}
		c.SignUp.EmailDomains[i] = domain
	}
	for i, name := range c.SignUp.ReservedUsernames {
		if _, ok := username.Key(name); !ok {
			c.fault(fmt.Sprintf("sign_up.reserved_usernames.%d", i),
				"%q isn't a username: write only letters, digits and . _ -", name)
		}
	}
}

// signIn checks the ways to sign in.
func (c *checks) signIn() {
	for i, m := range c.SignIn.Methods {
		c.oneOf(fmt.Sprintf("sign_in.methods.%d", i), m, storage.MethodPassword, storage.MethodPasskey,
			storage.MethodEmail, storage.MethodPhone)
	}
	for i, region := range c.SignIn.PhoneRegions {
		if !phones.IsRegion(region) {
			c.fault(fmt.Sprintf("sign_in.phone_regions.%d", i),
				"%q isn't a country code: write one of ISO 3166, such as DE", region)
		}
	}
}

// secrets checks the rules about passwords and second factors.
func (c *checks) secrets() {
	if n := c.Passwords.History; n != nil && (*n < 0 || *n > 24) {
		c.fault("passwords.history", "%d is out of range: write 0 to 24", *n)
	}
	c.oneOf("passwords.sign_out", c.Passwords.SignOut, storage.SignOutOthers, storage.SignOutAll)
	if d := time.Duration(c.APIKeys.LongestLife); d != 0 && (d < minKeyLife || d > maxKeyLife) {
		c.fault("api_keys.longest_life", "%s is out of range: write 1h to 26280h", d)
	}
	for _, d := range []struct {
		name  string
		value storage.Duration
	}{{"lifetime", c.Administrators.SessionLifetime}, {"idle", c.Administrators.SessionIdle}} {
		if d.value != 0 && (time.Duration(d.value) < minAdminSession || time.Duration(d.value) > maxAdminSession) {
			c.fault("administrators.session_"+d.name, "%s is out of range: write 5m to 720h", time.Duration(d.value))
		}
	}
	c.oneOf("second_factor.require", c.SecondFactor.Require, storage.SecondFactorNever, storage.SecondFactorEnrolled,
		storage.SecondFactorAlways)
}

// Bounds of api_keys.longest_life. After three years at most, a key is replaced.
const (
	minKeyLife = time.Hour
	maxKeyLife = 3 * 365 * 24 * time.Hour
)

// Bounds of the settings of administrators' sessions. A sign-in of the last five minutes is as fresh as any page asks
// for.
const (
	minAdminSession = 5 * time.Minute
	maxAdminSession = 30 * 24 * time.Hour
)

// limits checks how many messages a tenant sends.
func (c *checks) limits() {
	for _, l := range []struct {
		name string
		n    *int
	}{{"mails_per_hour", c.Limits.MailsPerHour}, {"texts_per_hour", c.Limits.TextsPerHour}} {
		if l.n != nil && (*l.n < 1 || *l.n > maxPerHour) {
			c.fault("limits."+l.name, "%d is out of range: write 1 to %d", *l.n, maxPerHour)
		}
	}
}

// maxHosts bounds outside_clients.hosts.
const maxHosts = 200

// outsideClients checks which clients work that no administrator added, and gives hosts the stored form.
func (c *checks) outsideClients() {
	o := &c.OutsideClients
	c.oneOf("outside_clients.documents", o.Documents, storage.OutsideOff, storage.OutsideListed, storage.OutsideAnyone)
	c.oneOf("outside_clients.registration", o.Registration, storage.OutsideOff, storage.OutsideToken,
		storage.OutsideAnyone)
	if len(o.Hosts) > maxHosts {
		c.fault("outside_clients.hosts", "has %d entries: write at most %d", len(o.Hosts), maxHosts)
	}
	for i, h := range o.Hosts {
		name, wild := strings.CutPrefix(h, "*.")
		host, err := hostname.Canonical("https", name)
		if err != nil || host == "" || strings.Contains(host, "*") || wild && !strings.Contains(host, ".") {
			c.fault(fmt.Sprintf("outside_clients.hosts.%d", i),
				"%q isn't a host: write one, such as vscode.dev, or *.example.com for all names below", h)
			continue
		}
		if o.Hosts[i] = host; wild {
			o.Hosts[i] = "*." + host
		}
	}
	if o.Documents == storage.OutsideListed && len(o.Hosts) == 0 {
		c.fault("outside_clients.hosts", "is missing: write the hosts of the clients that may connect, such as vscode.dev")
	}
}

// mostMails bounds the texts of messages together, in bytes: they are read with the tenant.
const mostMails = 60_000

// mails checks the texts of messages.
func (c *checks) mails() {
	seen, size := map[[2]string]bool{}, 0
	for i, m := range c.Mails {
		at := fmt.Sprintf("mails.%d.", i)
		for _, f := range mail.CheckText(m) {
			c.fault(at+f.Field, "%s", f.Message)
		}
		if key := [2]string{m.Message, m.Language}; seen[key] {
			c.fault(at+"language", "there are two texts of %s in %s", m.Message, m.Language)
		} else {
			seen[key] = true
		}
		size += len(m.Subject) + len(m.Body)
	}
	if size > mostMails {
		c.fault("mails", "all texts together have %d bytes: at most %d are allowed", size, mostMails)
	}
}

// claimSources reports rules about claims that read what the tenant does not have.
func (c *checks) claimSources() {
	for i, r := range c.Claims {
		id, ok := claims.UpstreamOf(&r)
		if ok && c.Upstream(id) == nil {
			c.fault(fmt.Sprintf("claims.%d.from", i), "%q: the tenant has no upstream %s", r.From, id)
		}
		name, ok := claims.AttributeOf(&r)
		if ok && c.Attribute(name) == nil {
			c.fault(fmt.Sprintf("claims.%d.from", i), "%q: the tenant has no attribute %s", r.From, name)
		}
	}
}

// upstreams checks the upstream providers, and gives their domains the stored form.
func (c *checks) upstreams() {
	seen := map[string]bool{}
	for i, u := range c.Upstreams {
		at := fmt.Sprintf("upstreams.%d.", i)
		for _, domains := range [][]string{u.AuthoritativeDomains, u.Domains} {
			for j, d := range domains {
				if domain, err := address.Domain(d); err == nil {
					domains[j] = domain
				}
			}
		}
		for _, f := range upstream.Validate(u) {
			c.fault(at+f.Field, "%s", f.Message)
		}
		if seen[u.ID] {
			c.fault(at+"id", "%q appears twice", u.ID)
		}
		seen[u.ID] = true
	}
}
