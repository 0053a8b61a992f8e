package main

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/argon2id"
	"github.com/vouchsafe/vouchsafe/storage"
)

// samplePrefix begins the secrets of the sample clients.yaml, which everybody knows.
const samplePrefix = "sample-"

// minChosenSecret is the least length of a client secret that somebody made up.
const minChosenSecret = 16

// secretHash is the form of what is stored of a secret.
var secretHash = regexp.MustCompile(`^(sha256\$[A-Za-z0-9_-]{43}|\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,})$`)

// declared is a client as a clients file has it.
type declared struct {
	storage.Client
	secrets []string // in clear; what is stored of them is made when they are stored
	hashes  []string // what is stored of others
}

// clientFields are the names of an entry's fields and where in storage.Client they go.
var clientFields = func() map[string]int {
	fields := map[string]int{}
	for f := range reflect.TypeFor[storage.Client]().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "-" {
			fields[name] = f.Index[0]
		}
	}
	return fields
}()

// Fields of an entry that are not fields of storage.Client.
const (
	secretField     = "client_secret"
	secretHashField = "client_secret_hash"
	jwksField       = "jwks"
)

// readClients reads a clients file. All that is wrong with it is one error.
func readClients(path string, samples bool) ([]declared, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("clients file: %w", err)
	}
	clients, fs := parseClients(path, text, samples)
	return clients, fs.err()
}

// parseClients reads the text of a clients file. samples says whether the secrets of
// the sample file are good enough here.
func parseClients(file string, text []byte, samples bool) ([]declared, faults) {
	var fs faults
	var clients []declared
	listed := false
	lines := map[string]int{}
	for key, val := range mapping(file, text, &fs) {
		switch {
		case key.Value != "clients":
			fs.at(file, key, "%s is nothing that a clients file has%s: write clients: and the list of them", key.Value, meant(key.Value, []string{"clients"}))
			continue
		case val.ShortTag() == "!!null":
			continue // as empty as no list
		case val.Kind != yaml.SequenceNode:
			fs.at(file, val, "want a list of clients: lines of - client_id: NAME")
			continue
		}
		listed = true
		for _, entry := range val.Content {
			entry = target(entry)
			p := clientParser{file: file, samples: samples, entry: entry}
			d := p.parse()
			if line, ok := lines[d.ClientID]; ok && d.ClientID != "" {
				p.faults.at(file, entry, "client_id %s stands in line %d already", d.ClientID, line)
			}
			lines[d.ClientID] = entry.Line
			fs = append(fs, p.faults...)
			clients = append(clients, d)
		}
	}
	// A file that was cut off, or mounted empty, would remove every client with all consents
	// and grants.
	if !listed && len(fs) == 0 {
		fs.line(file, 1, 1, "declares no client: write clients: and the list of them, or clients: [] where all that it declared before are to be removed")
	}
	return clients, fs
}

// clientParser reads one entry.
type clientParser struct {
	file    string
	samples bool
	entry   *yaml.Node
	at      map[string]*yaml.Node // the values of the entry, by key
	faults  faults
}

func (p *clientParser) parse() declared {
	var d declared
	p.at = map[string]*yaml.Node{}
	record := reflect.ValueOf(&d.Client).Elem()
	for key, val := range pairs(p.file, p.entry, &p.faults) {
		p.at[key.Value] = val
		index, known := clientFields[key.Value]
		var err error
		switch {
		case key.Value == secretField:
			d.secrets, err = oneOrMore(val)
		case key.Value == secretHashField:
			d.hashes, err = oneOrMore(val)
		case key.Value == jwksField:
			d.JWKS, err = jwks(val)
		case known:
			err = setField(record.Field(index), val)
		default:
			p.faults.at(p.file, key, "%s is not a field of a client%s", key.Value, meant(key.Value, clientFieldNames()))
		}
		if err != nil {
			p.faults.at(p.file, val, "%s: %v", key.Value, err)
		}
	}
	if len(p.faults) > 0 {
		return d // further faults would only follow from these
	}
	p.secrets(&d)
	for _, e := range clients.Validate(&d.Client) {
		p.wrong(e.Field, "%s", e.Message)
	}
	return d
}

// wrong adds a fault of a field, at its value or, when it is missing, at the entry.
func (p *clientParser) wrong(field, format string, args ...any) {
	p.faults.at(p.file, cmp.Or(p.at[field], p.entry), "%s: %s", field, fmt.Sprintf(format, args...))
}

func (p *clientParser) secrets(d *declared) {
	for _, s := range d.secrets {
		switch {
		case strings.HasPrefix(s, samplePrefix) && !p.samples:
			p.wrong(secretField, "is a sample that everybody knows. Make one with `vouchsafe client secret`")
		case len(s) < minChosenSecret:
			p.wrong(secretField, "is shorter than %d characters. Make one with `vouchsafe client secret`", minChosenSecret)
		}
	}
	for _, h := range d.hashes {
		slow := strings.HasPrefix(h, "$")
		if !secretHash.MatchString(h) || slow && argon2id.CheckHash(h) != nil {
			p.wrong(secretHashField, "is no hash of a secret that can be verified here, or not all of it. `vouchsafe client secret` prints one")
		}
	}
	bySecret := d.TokenEndpointAuthMethod == "" || strings.HasPrefix(d.TokenEndpointAuthMethod, "client_secret_")
	switch some := len(d.secrets)+len(d.hashes) > 0; {
	case bySecret && !some:
		p.wrong(secretField, "is missing. Make one with `vouchsafe client secret`; or write token_endpoint_auth_method: none for an application that can keep no secret (one that runs in a browser or on a phone), or private_key_jwt for one with a key")
	case some && !bySecret:
		p.wrong(secretField, "has no use with token_endpoint_auth_method: %s. Leave it out", d.TokenEndpointAuthMethod)
	}
}

// setField reads a value into a field of a record.
func setField(field reflect.Value, val *yaml.Node) error {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		return setField(field.Elem(), val)
	}
	if u, ok := field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if val.Kind != yaml.ScalarNode {
			return fmt.Errorf("want a duration, such as 15m or 720h")
		}
		return u.UnmarshalText([]byte(val.Value))
	}
	tag := val.ShortTag()
	switch field.Kind() {
	case reflect.Slice:
		texts, ok := scalars(val)
		if !ok || val.Kind != yaml.SequenceNode {
			return fmt.Errorf("want a list, such as [%s]", cmp.Or(val.Value, "one, two"))
		}
		field.Set(reflect.ValueOf(texts))
	case reflect.String:
		if val.Kind != yaml.ScalarNode || tag == "!!null" {
			if texts, ok := scalars(val); ok && len(texts) > 0 && texts[0] != "" {
				return fmt.Errorf("want one text, not a list: write %s", strings.Join(texts, " "))
			}
			return fmt.Errorf("want a text")
		}
		field.SetString(val.Value)
	case reflect.Bool:
		if val.Value != "true" && val.Value != "false" {
			return fmt.Errorf("want true or false")
		}
		field.SetBool(val.Value == "true")
	case reflect.Int64, reflect.Int:
		var n int64
		if tag != "!!int" || val.Load(&n) != nil || n < 0 {
			return fmt.Errorf("want a whole number, such as %s", map[reflect.Kind]string{reflect.Int64: "3600 for an hour in seconds", reflect.Int: "3"}[field.Kind()])
		}
		field.SetInt(n)
	default:
		panic("a kind of field that nobody reads: " + field.Type().String())
	}
	return nil
}

func oneOrMore(val *yaml.Node) ([]string, error) {
	texts, ok := scalars(val)
	if !ok || slices.Contains(texts, "") {
		return nil, fmt.Errorf("want a text, or a list of them")
	}
	return texts, nil
}

// jwks is a JWK Set as a mapping with keys, or the list of keys alone. JSON is YAML.
func jwks(val *yaml.Node) (json.RawMessage, error) {
	var set any
	if err := val.Load(&set); err != nil {
		return nil, fmt.Errorf("want a JWK Set, such as {keys: [{kty: OKP, …}]}")
	}
	if list, ok := set.([]any); ok {
		set = map[string]any{"keys": list}
	}
	raw, err := json.Marshal(set)
	if m, ok := set.(map[string]any); err != nil || !ok || m["keys"] == nil {
		return nil, fmt.Errorf("want a JWK Set, such as {keys: [{kty: OKP, …}]}")
	}
	return raw, nil
}

func clientFieldNames() []string {
	names := []string{secretField, secretHashField, jwksField}
	for name := range clientFields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
