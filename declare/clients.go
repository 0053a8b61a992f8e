package declare

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/storage"
)

// clientEntry is an entry of a clients file: the record, and the fields that a record stores otherwise.
type clientEntry struct {
	storage.Client
	Secrets oneOrMore `yaml:"client_secret"`
	Hashes  oneOrMore `yaml:"client_secret_hash"`
	KeySet  keySet    `yaml:"jwks"`
	// Claims takes the place of the record's.
	Claims []claimEntry `yaml:"claims"`
	// So do Workloads.
	Workloads []workloadEntry `yaml:"workloads"`
}

// workloadEntry is a trust entry, with its keys as YAML has them.
type workloadEntry struct {
	storage.Workload
	KeySet keySet `yaml:"jwks"`
}

// ReadClients reads a clients file. All that is wrong with it is one error, of type [Faults] unless the
// file cannot be read. samples says whether the secrets of the sample file are good enough here.
func ReadClients(path string, samples bool) ([]clients.Declared, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("clients file: %w", err)
	}
	all, fs := Clients(path, text, samples)
	return all, fs.Err()
}

// Clients reads the text of a clients file as ReadClients does. file is its name in faults.
func Clients(file string, text []byte, samples bool) ([]clients.Declared, Faults) {
	var fs Faults
	var all []clients.Declared
	listed := false
	lines := map[string]int{}
	for key, val := range mapping(file, text, &fs) {
		switch {
		case key.Value != "clients":
			fs.node(file, key, "%s is nothing that a clients file has%s: write clients: and the list of them", key.Value,
				Suggest(key.Value, []string{"clients"}))
			continue
		case isNull(val):
			continue // as empty as no list
		case val.Kind != yaml.SequenceNode:
			fs.node(file, val, "want a list of clients: lines of - client_id: NAME")
			continue
		}
		listed = true
		for _, entry := range val.Content {
			entry = target(entry)
			d, faults := readClient(file, entry, samples)
			if line, ok := lines[d.ClientID]; ok && d.ClientID != "" {
				faults.node(file, entry, "client_id %s stands in line %d already", d.ClientID, line)
			}
			lines[d.ClientID] = entry.Line
			fs = append(fs, faults...)
			all = append(all, d)
		}
	}
	// A file that was cut off, or mounted empty, would remove every client with all consents
	// and grants.
	if !listed && len(fs) == 0 {
		fs.At(Place{file, 1, 1}, "declares no client: write clients: and the list of them, or clients: [] where all that "+
			"it declared before are to be removed")
	}
	return all, fs
}

// readClient reads one entry.
func readClient(file string, entry *yaml.Node, samples bool) (clients.Declared, Faults) {
	var e clientEntry
	r := readRecord(file, entry, &e, func(path, name string, names []string) string {
		if strings.HasPrefix(path, "claims.") {
			return path + " isn't a field of a rule about a claim" + Suggest(name, names)
		}
		return path + " is not a field of a client" + Suggest(name, names)
	})
	d := clients.Declared{Client: e.Client, Secrets: e.Secrets, Hashes: e.Hashes}
	d.JWKS = []byte(e.KeySet)
	d.Client.Claims, d.ClaimPlaces = readRules(r, e.Claims)
	for _, w := range e.Workloads {
		w.JWKS = json.RawMessage(w.KeySet)
		d.Client.Workloads = append(d.Client.Workloads, w.Workload)
	}
	if len(r.faults) > 0 {
		return d, r.faults // further faults would only follow from these
	}
	for _, f := range d.Check(samples) {
		r.wrong(f.Field, "%s", f.Message)
	}
	return d, r.faults
}
