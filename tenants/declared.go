package tenants

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"

	"github.com/vouchsafe/vouchsafe/internal/fault"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Declared is a tenant as a file or a request declares it.
type Declared struct {
	ID string
	// What is nil of these stays as it is.
	Name     *string
	Host     *string
	LogoURI  *string
	Disabled *bool
	// Settings take the place of those that are stored.
	Settings storage.TenantSettings
	// Secrets are those of Settings.Upstreams in clear, by the upstream's place in the list.
	Secrets map[int]string
	// Webhooks are those of a file; nil leaves them as they are.
	Webhooks []Webhook
	// ClaimPlaces says where in a file each of Settings.Claims stands, by the claim: FILE:LINE:COLUMN.
	ClaimPlaces map[string]string
}

// Webhook is a webhook that a file declares.
type Webhook struct {
	ID          string   `json:"id"`
	URL         string   `json:"url"`
	Description string   `json:"description,omitempty"`
	Kinds       []string `json:"kinds,omitempty"`
	Disabled    bool     `json:"disabled,omitempty"`
	Secret      string   `json:"secret"` // in clear
}

// webhookID is the form of the ids that files give webhooks. Those that servers give are UUIDs.
var webhookID = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// checkWebhooks returns what is wrong with webhooks. Which addresses servers may reach is not known here.
func (d *Declared) checkWebhooks(wrong func(path, format string, args ...any)) {
	seen := make(map[string]bool)
	for i, w := range d.Webhooks {
		at := fmt.Sprintf("webhooks.%d.", i)
		if !webhookID.MatchString(w.ID) {
			wrong(at+"id", "%q isn't an id: write up to 32 lower-case letters, digits, - and _, a letter first", w.ID)
		} else if seen[w.ID] {
			wrong(at+"id", "%q is there twice", w.ID)
		}
		seen[w.ID] = true
		if u, err := url.Parse(w.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			wrong(at+"url", "%q isn't an https URL", w.URL)
		}
		if kind := storage.NoSuchEvents(w.Kinds); kind != "" {
			wrong(at+"kinds", "there are no events of the kind %q: docs/events.md lists them", kind)
		}
		if _, ok := storage.ParseWebhookSecret(w.Secret); !ok {
			wrong(at+"secret", "want whsec_ and 24 to 64 bytes in base64, such as what "+
				`echo "whsec_$(openssl rand -base64 32)" prints; or the name of a file with that, in secret_file`)
		}
	}
}

// Fault is one thing that is wrong with a tenant.
type Fault struct {
	Path    string // as in tenants.yaml: host, sign_up.mode, upstreams.0.issuer
	Message string // what is wrong and what to write instead
}

// Error returns the path with the message.
func (f Fault) Error() string { return f.Path + ": " + f.Message }

// Faults are all that is wrong with an entry.
type Faults = fault.List[Fault]

// Check returns all that is wrong with the tenant, and gives its settings the form in which they are
// stored. issuer is that of the default tenant.
func (d *Declared) Check(issuer string) []Fault {
	var fs []Fault
	wrong := func(path, format string, args ...any) { fs = append(fs, Fault{path, fmt.Sprintf(format, args...)}) }
	if d.Host != nil {
		if fault := HostFault(issuer, *d.Host); fault != "" {
			wrong("host", "%q %s", *d.Host, fault)
		}
	}
	if d.LogoURI != nil && *d.LogoURI != "" && !ValidLogo(*d.LogoURI) {
		wrong("logo_uri", "%q isn't an https URL", *d.LogoURI)
	}
	if d.Disabled != nil && *d.Disabled && d.ID == storage.DefaultTenant {
		wrong("disabled", "the default tenant can't be disabled, because its URL is the issuer's own")
	}
	d.checkWebhooks(wrong)
	fs = append(fs, CheckSettings(&d.Settings)...)
	for i, u := range d.Settings.Upstreams {
		if what := upstream.ValidateSecret(u, d.Secrets[i]); what != "" {
			wrong(fmt.Sprintf("upstreams.%d.client_secret", i), "%s", what)
		}
	}
	return fs
}

// Members returns the tenant as the JSON of a program would declare it, with the secrets of its upstreams and webhooks
// in clear. What is not declared is left out.
func (d *Declared) Members() (map[string]any, error) {
	raw, err := json.Marshal(d.Settings)
	if err != nil {
		return nil, err
	}
	members := map[string]any{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	for name, value := range map[string]*string{"name": d.Name, "host": d.Host, "logo_uri": d.LogoURI} {
		if value != nil {
			members[name] = *value
		}
	}
	if d.Disabled != nil {
		members["disabled"] = *d.Disabled
	}
	upstreams, _ := members["upstreams"].([]any)
	for i, u := range upstreams {
		u := u.(map[string]any) // as it was made from one
		delete(u, "client_secret")
		if plain, ok := d.Secrets[i]; ok {
			u["client_secret"] = plain
		}
	}
	if d.Webhooks != nil {
		members["webhooks"] = d.Webhooks
	}
	return members, nil
}
