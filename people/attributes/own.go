package attributes

import (
	"maps"
	"slices"

	"github.com/vouchsafe/vouchsafe/storage"
)

// EditableByOwner returns the attributes that users edit themselves.
func EditableByOwner(declared []storage.Attribute) []storage.Attribute {
	return slices.DeleteFunc(slices.Clone(declared), func(a storage.Attribute) bool { return a.Edit != storage.ByOwner })
}

// ChangeOwn is Change for a user who types values: of other attributes than those that users edit, nothing is
// changed or judged.
func ChangeOwn(declared []storage.Attribute, values map[string]any, typed map[string]string) (Checked, error) {
	own := EditableByOwner(declared)
	set, before := map[string]any{}, map[string]any{}
	rest := Checked{maps.Clone(values), map[string]string{}}
	if rest.Values == nil {
		rest.Values = map[string]any{}
	}
	for _, a := range declared {
		v, has := values[a.Name]
		if a.Edit != storage.ByOwner {
			if a.Unique && has {
				rest.Unique[a.Name] = Text(v)
			}
			continue
		}
		delete(rest.Values, a.Name)
		if has {
			before[a.Name] = v
		}
		if text, ok := typed[a.Name]; ok {
			set[a.Name] = Parse(a, text)
		}
	}
	checked, err := Change(own, before, set)
	if err != nil {
		return Checked{}, err
	}
	maps.Copy(rest.Values, checked.Values)
	maps.Copy(rest.Unique, checked.Unique)
	return rest, nil
}
