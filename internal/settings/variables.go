package settings

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/declare"
)

// Variable is a variable of a product in whose place Vouchsafe answers. What all of them say is a T.
type Variable[T any] struct {
	Name string
	// Effect says, in a sentence or two, what it does here.
	Effect string
	read   func(to *T, value string) error
}

// readInto reads those of the variables that the environment has, and returns their values.
func readInto[T any](to *T, variables []Variable[T], environ []string, faults *declare.Faults) map[string]string {
	var names []string
	for _, v := range variables {
		names = append(names, v.Name)
	}
	env := readVariables(environ, names, faults)
	for _, v := range variables {
		value, set := env[v.Name]
		if !set {
			continue
		}
		if err := v.read(to, value); err != nil {
			faults.Add(v.Name, "%v", err) // the errors quote no secrets
		}
	}
	return env
}

// isVariable reports whether one of the variables has the name.
func isVariable[T any](variables []Variable[T], name string) bool {
	return slices.ContainsFunc(variables, func(v Variable[T]) bool { return v.Name == name })
}

// textVariable reads a text as it is.
func textVariable[T any](field func(*T) *string) func(*T, string) error {
	return func(to *T, v string) error { *field(to) = v; return nil }
}

// numberVariable reads a whole number.
func numberVariable[T any](field func(*T) *int, least, most int) func(*T, string) error {
	return func(to *T, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return fmt.Errorf("%q: write a number from %d to %d", v, least, most)
		}
		*field(to) = n
		return nil
	}
}

// secondsVariable reads a number of seconds, of ten years at most.
func secondsVariable[T any](field func(*T) *time.Duration) func(*T, string) error {
	return func(to *T, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 10*365*24*3600 {
			return fmt.Errorf("%q isn't a number of seconds", v)
		}
		*field(to) = time.Duration(n) * time.Second
		return nil
	}
}

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
