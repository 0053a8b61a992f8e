package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// declaredTenant is a tenant as a tenants file has it.
type declaredTenant struct {
	id string
	// What is left out of these stays as it is.
	Name     *string `yaml:"name"`
	Host     *string `yaml:"host"`
	LogoURI  *string `yaml:"logo_uri"`
	Disabled *bool   `yaml:"disabled"`
	storage.TenantSettings
	secrets map[int]string // of upstreams, in clear, by their place
}

// upstreamSecrets are the fields of an upstream that hold its secret or name its file.
const (
	upstreamSecret     = "upstreams.client_secret"
	upstreamSecretFile = "upstreams.client_secret_file"
)

// readTenants reads a tenants file for the issuer. All that is wrong with it is one error.
func readTenants(path, issuer string) ([]declaredTenant, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tenants file: %w", err)
	}
	all, fs := parseTenants(path, issuer, text)
	return all, fs.err()
}

// parseTenants reads the text of a tenants file.
func parseTenants(path, issuer string, text []byte) ([]declaredTenant, faults) {
	var fs faults
	var all []declaredTenant
	for key, val := range mapping(path, text, &fs) {
		if key.Value != "tenants" {
			fs.at(path, key, "%s is nothing that a tenants file has%s: write tenants: and below it the id of each", key.Value, meant(key.Value, []string{"tenants"}))
			continue
		}
		for id, entry := range pairs(path, val, &fs) {
			t := declaredTenant{id: id.Value}
			if !tenants.ValidID(t.id) {
				fs.at(path, id, "%q is no id of a tenant: %s", t.id, tenants.IDRule)
			}
			fs = append(fs, t.parse(path, entry, issuer)...)
			all = append(all, t)
		}
	}
	return all, fs
}

func (t *declaredTenant) parse(file string, entry *yaml.Node, issuer string) faults {
	r := recordReader{
		file: file, nodes: map[string]*yaml.Node{}, texts: map[string]string{},
		names: []string{upstreamSecret, upstreamSecretFile},
	}
	if entry.ShortTag() == "!!null" {
		entry = &yaml.Node{Kind: yaml.MappingNode, Line: entry.Line, Column: entry.Column}
	}
	r.read("", entry, reflect.ValueOf(t).Elem())
	if len(r.faults) > 0 {
		return r.faults // further faults would only follow from these
	}
	t.readSecrets(&r, filepath.Dir(file))
	if t.Host != nil {
		if fault := tenants.HostFault(issuer, *t.Host); fault != "" {
			r.wrong("host", fmt.Sprintf("%q %s", *t.Host, fault))
		}
	}
	if t.LogoURI != nil && *t.LogoURI != "" && !tenants.ValidLogo(*t.LogoURI) {
		r.wrong("logo_uri", fmt.Sprintf("%q is no https URL", *t.LogoURI))
	}
	if t.Disabled != nil && *t.Disabled && t.id == storage.DefaultTenant {
		r.wrong("disabled", "the default tenant sits at the issuer itself and cannot be disabled")
	}
	for _, f := range tenants.CheckSettings(&t.TenantSettings) {
		r.wrong(f.Path, f.Message)
	}
	for i, u := range t.Upstreams {
		if what := upstream.ValidateSecret(u, t.secrets[i]); what != "" {
			r.wrong(fmt.Sprintf("upstreams.%d.client_secret", i), what)
		}
	}
	return r.faults
}

// readSecrets takes the upstreams' secrets, which stand in the file or in files of their
// own beside it.
func (t *declaredTenant) readSecrets(r *recordReader, dir string) {
	t.secrets = map[int]string{}
	for i := range t.Upstreams {
		path := fmt.Sprintf("upstreams.%d.", i)
		if s, ok := r.texts[path+"client_secret"]; ok {
			t.secrets[i] = s
		}
		name, ok := r.texts[path+"client_secret_file"]
		if !ok {
			continue
		}
		if t.secrets[i] != "" {
			r.wrong(path+"client_secret_file", "and client_secret: write one of the two")
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			r.wrong(path+"client_secret_file", err.Error())
		}
		t.secrets[i] = strings.TrimSpace(string(text))
	}
}

// tenantChange is what applying a tenants file does to one tenant.
type tenantChange struct {
	Op     string        `json:"op"` // + adds, ~ changes
	ID     string        `json:"id"`
	Fields []fieldChange `json:"fields,omitempty"`
	tenant storage.Tenant
}

// planTenants says what makes the tenants those of the file. Others are left alone, for
// what hangs on a tenant is not to be lost by a slip of the pen.
func planTenants(ctx context.Context, s store, secrets *secret.Masters, file []declaredTenant) ([]tenantChange, error) {
	var plan []tenantChange
	for _, d := range file {
		old, err := s.Tenant(ctx, d.id)
		isNew := errors.Is(err, storage.ErrNotFound)
		if err != nil && !isNew {
			return nil, err
		}
		t := old
		t.ID, t.Settings = d.id, d.TenantSettings
		set(&t.Name, d.Name)
		set(&t.Host, d.Host)
		set(&t.LogoURI, d.LogoURI)
		set(&t.Disabled, d.Disabled)
		d.seal(secrets.Box(d.id, secret.UpstreamSecret), old.Settings.Upstreams, t.Settings.Upstreams)
		ch := tenantChange{Op: "~", ID: d.id, tenant: t, Fields: compareTenants(&old, &t)}
		if isNew {
			ch.Op, ch.tenant.CreatedAt = "+", time.Now()
		}
		if isNew || len(ch.Fields) > 0 {
			plan = append(plan, ch)
		}
	}
	return plan, nil
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// seal sets the sealed secrets. What is stored is kept when it is the same secret, so that
// applying a file twice changes nothing.
func (t *declaredTenant) seal(box *secret.Box, stored, to []storage.Upstream) {
	for i, plain := range t.secrets {
		to[i].ClientSecret = nil
		for _, old := range stored {
			if is, err := box.Open(old.ClientSecret); old.ID == to[i].ID && err == nil && string(is) == plain {
				to[i].ClientSecret = old.ClientSecret
			}
		}
		if to[i].ClientSecret == nil {
			to[i].ClientSecret = box.Seal([]byte(plain))
		}
	}
}

// applyTenants carries the changes out, on record as the actor's doing.
func applyTenants(ctx context.Context, s store, plan []tenantChange, actor string) error {
	for _, ch := range plan {
		kind, write := storage.EventTenantChanged, s.UpdateTenant
		if ch.Op == "+" {
			kind, write = storage.EventTenantAdded, s.AddTenant
		}
		err := write(ctx, ch.tenant)
		if errors.Is(err, storage.ErrExists) {
			if _, there := s.Tenant(ctx, ch.ID); ch.Op == "+" && there == nil {
				continue // another replica applied the same file meanwhile
			}
			return fmt.Errorf("tenant %s: the id or its host is taken, or was taken by a tenant since removed", ch.ID)
		}
		if err == nil {
			err = record(ctx, s, actor, storage.Event{TenantID: ch.ID, Kind: kind})
		}
		if err != nil {
			return fmt.Errorf("%s tenant %s: %w", ch.Op, ch.ID, err)
		}
	}
	return nil
}

// compareTenants lists what differs, section by section. Secrets are never among it.
func compareTenants(from, to *storage.Tenant) []fieldChange {
	var out []fieldChange
	add := func(name string, a, b any) {
		x, y := shown(a), shown(b)
		if !bytes.Equal(x, y) {
			out = append(out, fieldChange{name, valueOrNil(x), valueOrNil(y)})
		}
	}
	add("name", from.Name, to.Name)
	add("host", from.Host, to.Host)
	add("logo_uri", from.LogoURI, to.LogoURI)
	add("disabled", from.Disabled, to.Disabled)
	a, b := reflect.ValueOf(from.Settings), reflect.ValueOf(to.Settings)
	for f := range a.Type().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "upstreams" {
			add(name, a.FieldByIndex(f.Index).Interface(), b.FieldByIndex(f.Index).Interface())
		}
	}
	for _, u := range slices.Concat(from.Settings.Upstreams, to.Settings.Upstreams) {
		name := "upstreams." + u.ID
		if slices.ContainsFunc(out, func(f fieldChange) bool { return f.Name == name }) {
			continue
		}
		was, is := upstreamOf(from, u.ID), upstreamOf(to, u.ID)
		if was != nil && is != nil && !bytes.Equal(was.ClientSecret, is.ClientSecret) {
			out = append(out, fieldChange{name + ".client_secret", "(a secret)", "(another)"})
		}
		add(name, withoutSecret(was), withoutSecret(is))
	}
	return out
}

func upstreamOf(t *storage.Tenant, id string) *storage.Upstream {
	for i := range t.Settings.Upstreams {
		if t.Settings.Upstreams[i].ID == id {
			return &t.Settings.Upstreams[i]
		}
	}
	return nil
}

func withoutSecret(u *storage.Upstream) any {
	if u == nil {
		return nil
	}
	open := *u
	open.ClientSecret = nil
	return open
}

// shown is a value as JSON for people, nil when it is the zero value.
func shown(v any) []byte {
	if v == nil || reflect.ValueOf(v).IsZero() {
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil || string(raw) == "{}" {
		return nil
	}
	return raw
}

func printTenantPlan(w io.Writer, plan []tenantChange) {
	for _, ch := range plan {
		fmt.Fprintf(w, "%s tenant %s\n", ch.Op, ch.ID)
		printFields(w, ch.Fields)
	}
}
