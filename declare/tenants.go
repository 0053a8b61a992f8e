package declare

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// tenantEntry is an entry of a tenants file. What is left out of the first four stays as it is.
type tenantEntry struct {
	Name     *string `yaml:"name"`
	Host     *string `yaml:"host"`
	LogoURI  *string `yaml:"logo_uri"`
	Disabled *bool   `yaml:"disabled"`
	storage.TenantSettings
	Upstreams []upstreamEntry `yaml:"upstreams"`
	Claims    []claimEntry    `yaml:"claims"`
	Webhooks  []webhookEntry  `yaml:"webhooks"`
}

// webhookEntry is a webhook with its secret in clear, or the name of the file that holds it.
type webhookEntry struct {
	ID          string   `yaml:"id"`
	URL         string   `yaml:"url"`
	Description string   `yaml:"description"`
	Kinds       []string `yaml:"kinds"`
	Disabled    bool     `yaml:"disabled"`
	Secret      *anyText `yaml:"secret"`
	SecretFile  *anyText `yaml:"secret_file"`
}

// upstreamEntry is an upstream with its secret in clear, or the name of the file that holds it.
type upstreamEntry struct {
	storage.Upstream
	Secret     *anyText `yaml:"client_secret"`
	SecretFile *anyText `yaml:"client_secret_file"`
}

// ReadTenants reads a tenants file for the issuer of the default tenant. All that is wrong with it is
// one error, of type [Faults] unless the file cannot be read.
func ReadTenants(path, issuer string) ([]tenants.Declared, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tenants file: %w", err)
	}
	all, fs := Tenants(path, issuer, text)
	return all, fs.Err()
}

// Tenants reads the text of a tenants file as ReadTenants does. file is its name in faults; the files of
// secrets are named relative to its folder.
func Tenants(file, issuer string, text []byte) ([]tenants.Declared, Faults) {
	var fs Faults
	var all []tenants.Declared
	for key, val := range mapping(file, text, &fs) {
		if key.Value != "tenants" {
			fs.node(file, key, "%s is nothing that a tenants file has%s: write tenants: and below it the id of each", key.Value,
				Suggest(key.Value, []string{"tenants"}))
			continue
		}
		for id, entry := range pairs(file, val, &fs) {
			if !tenants.ValidID(id.Value) {
				fs.node(file, id, "%q isn't a tenant id: %s", id.Value, tenants.IDRule)
			}
			t, faults := readTenant(file, issuer, id.Value, entry)
			fs = append(fs, faults...)
			all = append(all, t)
		}
	}
	return all, fs
}

// readTenant reads one entry.
func readTenant(file, issuer, id string, entry *yaml.Node) (tenants.Declared, Faults) {
	var e tenantEntry
	r := readRecord(file, entry, &e, func(path, name string, names []string) string {
		return fmt.Sprintf("%s isn't a known setting%s: %s can", path, Suggest(name, names),
			strings.Join(names, ", "))
	})
	d := tenants.Declared{
		ID: id, Name: e.Name, Host: e.Host, LogoURI: e.LogoURI, Disabled: e.Disabled,
		Settings: e.TenantSettings, Secrets: map[int]string{},
	}
	if len(r.faults) > 0 {
		return d, r.faults // further faults would only follow from these
	}
	for i, u := range e.Upstreams {
		d.Settings.Upstreams = append(d.Settings.Upstreams, u.Upstream)
		if secret, ok := r.readSecret(u.Secret, u.SecretFile, fmt.Sprintf("upstreams.%d.client_secret", i)); ok {
			d.Secrets[i] = secret
		}
	}
	if e.Webhooks != nil {
		d.Webhooks = []tenants.Webhook{}
	}
	for i, w := range e.Webhooks {
		secret, _ := r.readSecret(w.Secret, w.SecretFile, fmt.Sprintf("webhooks.%d.secret", i))
		d.Webhooks = append(d.Webhooks, tenants.Webhook{ID: w.ID, URL: w.URL, Description: w.Description, Kinds: w.Kinds,
			Disabled: w.Disabled, Secret: secret})
	}
	d.Settings.Claims, d.ClaimPlaces = readRules(r, e.Claims)
	for _, f := range d.Check(issuer) {
		r.wrong(f.Path, "%s", f.Message)
	}
	return d, r.faults
}

// readSecret returns a secret, which stands in an entry or in a file of its own beside the tenants file. ok is false
// when there is none. field is the path of the entry's field; _file behind it is that for the name of the file.
func (r *reader) readSecret(text, file *anyText, field string) (secret string, ok bool) {
	if text != nil {
		secret, ok = string(*text), true
	}
	if file == nil {
		return secret, ok
	}
	if secret != "" {
		other := field[strings.LastIndex(field, ".")+1:]
		r.wrong(field+"_file", "can't be used together with %s: write one of the two", other)
	}
	name := string(*file)
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(r.file), name)
	}
	read, err := os.ReadFile(name)
	if err != nil {
		r.wrong(field+"_file", "%v", err)
	}
	return strings.TrimSpace(string(read)), true
}
