package settings

import (
	"os"
	"strings"

	"github.com/vouchsafe/vouchsafe/declare"
)

// readVariables returns those of the variables that the environment has, of a product in whose place Vouchsafe answers.
// Each may be in a file, which the variable with _FILE behind its name names. Empty ones are not set.
func readVariables(environ, names []string, faults *declare.Faults) map[string]string {
	env := map[string]string{}
	for _, e := range environ {
		if name, value, _ := strings.Cut(e, "="); value != "" {
			env[name] = value
		}
	}
	all := map[string]string{}
	for _, name := range names {
		value, set := env[name]
		file, named := env[name+"_FILE"]
		switch {
		case set && named:
			faults.Add(name, "and %s_FILE are both set: unset one", name)
		case named:
			if text, ok := readValue(file, name+"_FILE", faults); ok {
				all[name] = text
			}
		case set:
			all[name] = value
		}
	}
	return all
}

// readValue returns what a file holds, without spaces and line breaks at its ends. An empty file is a fault.
func readValue(path, origin string, faults *declare.Faults) (text string, ok bool) {
	raw, err := os.ReadFile(path)
	if err != nil {
		faults.Add(origin, "names a file that cannot be read: %v", err)
		return "", false
	}
	text = strings.TrimSpace(strings.TrimPrefix(string(raw), "\ufeff"))
	if text == "" {
		faults.Add(origin, "names a file that is empty: write the value into %s", path)
	}
	return text, text != ""
}
