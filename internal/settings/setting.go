package settings

import (
	"reflect"
	"strings"
)

// EnvPrefix is how the names of settings begin in the environment.
const EnvPrefix = "VOUCHSAFE_"

// Setting describes one setting: a field of Config.
type Setting struct {
	Name   string // snake_case
	Secret bool
	tag    reflect.StructTag
	index  int // of the field
}

// Env returns the name of the setting in the environment.
func (s *Setting) Env() string { return EnvPrefix + strings.ToUpper(s.Name) }

// FromFile reports whether the value may be in a file, which the variable of the setting with _FILE behind its name
// names. The settings that are paths themselves cannot: the file would most often be the one that is meant.
func (s *Setting) FromFile() bool { return s.tag.Get("path") == "" }

// Flag returns the name of the setting as a flag, without hyphens before it.
func (s *Setting) Flag() string { return strings.ReplaceAll(s.Name, "_", "-") }

// Doc returns the documentation of the setting, one paragraph of text.
func (s *Setting) Doc() string { return docs[s.Name] }

// DocLines returns Doc in lines of at most width bytes.
func (s *Setting) DocLines(width int) []string { return wrap(s.Doc(), width) }

// Default returns the default as a file would have it; "" for none.
func (s *Setting) Default() string { return s.tag.Get("default") }

// ProductionDefault returns the default of a production server if it differs from Default; "" if not.
func (s *Setting) ProductionDefault() string { return s.tag.Get("production") }

// Boolean reports whether the setting is true or false.
func (s *Setting) Boolean() bool {
	kind := reflect.TypeFor[Config]().Field(s.index).Type
	return kind.Kind() == reflect.Bool || kind == reflect.TypeFor[*bool]()
}

var all = func() []*Setting {
	var all []*Setting
	for f := range reflect.TypeFor[Config]().Fields() {
		if name := f.Tag.Get("setting"); name != "" {
			all = append(all, &Setting{name, f.Tag.Get("secret") != "", f.Tag, f.Index[0]})
		}
	}
	return all
}()

// All returns every setting, in the order of Config. Callers must not change the slice.
func All() []*Setting { return all }

// Named returns the setting with the name; nil if there is none.
func Named(name string) *Setting {
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// wrap breaks text into lines of at most width bytes.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
