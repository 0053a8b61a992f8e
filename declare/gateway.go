package declare

import (
	"fmt"
	"net/url"
	"os"

	"github.com/vouchsafe/vouchsafe/gateway/rules"
)

// ReadGateway reads a gateway file for the issuer of the default tenant. All that is wrong with it is one error, of
// type [Faults] unless the file cannot be read.
func ReadGateway(path, issuer string) (*rules.File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("gateway file: %w", err)
	}
	f, fs := Gateway(path, issuer, text)
	return f, fs.Err()
}

// Gateway reads the text of a gateway file as ReadGateway does. file is its name in faults.
func Gateway(file, issuer string, text []byte) (*rules.File, Faults) {
	var fs Faults
	u, err := url.Parse(issuer)
	if err != nil {
		fs.Add(file, "cannot be checked for the issuer %q", issuer)
		return nil, fs
	}
	var f *rules.File
	for key, val := range mapping(file, text, &fs) {
		if key.Value != "gateway" {
			fs.node(file, key, "%s is nothing that a gateway file has%s: write gateway: and below it entries and rules",
				key.Value, Suggest(key.Value, []string{"gateway"}))
			continue
		}
		f = &rules.File{}
		r := readRecord(file, val, f, func(path, name string, names []string) string {
			return path + " is not a field of the gateway" + Suggest(name, names)
		})
		if len(r.faults) == 0 { // further faults would only follow from these
			for _, fault := range f.Check(u) {
				r.wrong(fault.Field, "%s", fault.Message)
			}
		}
		fs = append(fs, r.faults...)
	}
	if f == nil && len(fs) == 0 {
		fs.At(Place{file, 1, 1}, "declares nothing: write gateway: and below it entries and rules")
	}
	return f, fs
}
