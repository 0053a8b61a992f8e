package contracttest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Faults returns what in the document would trouble programs that are generated from it.
func (d *Document) Faults() (all []string) {
	ids := map[string]bool{}
	for _, o := range d.Operations() {
		at := o.Method + " " + o.Path
		if ids[o.ID] || !regexp.MustCompile(`^[a-z][A-Za-z]+$`).MatchString(o.ID) {
			all = append(all, at+" has the id "+o.ID+", which another operation has, or which is no name")
		}
		ids[o.ID] = true
		all = append(all, o.parameterFaults(at)...)
		all = append(all, d.responseFaults(o, at)...)
		for _, media := range object(object(o.spec["requestBody"])["content"]) {
			all = append(all, d.schemaFaults(object(media)["schema"], at+" body", nil, true)...)
		}
	}
	return all
}

// parameterFaults compares the parameters with the variables of the path.
func (o Operation) parameterFaults(at string) (all []string) {
	var named []string
	for _, p := range list(o.spec["parameters"]) {
		name := fmt.Sprint(object(p)["in"], " ", object(p)["name"])
		if slices.Contains(named, name) {
			all = append(all, at+" has the parameter "+name+" twice")
		}
		named = append(named, name)
	}
	for _, variable := range regexp.MustCompile(`\{([^}]*)\}`).FindAllStringSubmatch(o.Path, -1) {
		if !slices.Contains(named, "path "+variable[1]) {
			all = append(all, at+" doesn't describe {"+variable[1]+"}")
		}
	}
	if count := strings.Count(strings.Join(named, ","), "path "); count != strings.Count(o.Path, "{") {
		all = append(all, fmt.Sprintf("%s has %d parameters of its path", at, count))
	}
	return all
}

// responseFaults returns what is wrong with the responses: an operation succeeds in some way, and says of each
// answer with a body what is in it.
func (d *Document) responseFaults(o Operation, at string) (all []string) {
	succeeds := false
	for status, response := range object(o.spec["responses"]) {
		at := at + " " + status
		content := object(object(response)["content"])
		succeeds = succeeds || status[0] == '2'
		if empty := slices.Contains([]string{"204", "304", "431"}, status); empty != (len(content) == 0) {
			all = append(all, fmt.Sprintf("%s has the content %v", at, content))
		}
		for _, media := range content {
			all = append(all, d.schemaFaults(object(media)["schema"], at, nil, false)...)
		}
	}
	if !succeeds {
		all = append(all, at+" never succeeds")
	}
	return all
}

// schemaFaults returns what is wrong with a schema of what is sent or answered. An answer may have more one day, and
// other values: it has no closed objects and no enumerations, because they would break programs then.
func (d *Document) schemaFaults(schema any, at string, above []string, sent bool) (all []string) {
	s := object(schema)
	if ref, ok := s["$ref"].(string); ok {
		if slices.Contains(above, ref) {
			return nil
		}
		above = append(slices.Clip(above), ref)
	}
	s = d.resolve(s)
	if !sent && (s["enum"] != nil || s["additionalProperties"] == false) {
		all = append(all, fmt.Sprintf("%s is answered, and is closed: %v", at, s))
	}
	properties := object(s["properties"])
	for _, name := range list(s["required"]) {
		if properties[name.(string)] == nil {
			all = append(all, fmt.Sprintf("%s requires %v, which it doesn't describe", at, name))
		}
	}
	for name, property := range properties {
		all = append(all, d.schemaFaults(property, at+"/"+name, above, sent)...)
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if below := object(s[key]); below != nil {
			all = append(all, d.schemaFaults(below, at+"/"+key, above, sent)...)
		}
	}
	for _, one := range append(list(s["anyOf"]), list(s["allOf"])...) {
		all = append(all, d.schemaFaults(one, at, above, sent)...)
	}
	return all
}
