package command

import (
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
)

// PatchFlags are a JSON merge patch (RFC 7396) as flags.
type PatchFlags struct {
	Set   []string `sep:"none" help:"Set a member, such as client_name='Wiki' or 'redirect_uris=[\"https://…\"]': text, or JSON. One within another is named with a dot. Repeatable." placeholder:"NAME=VALUE"`
	Unset []string `sep:"none" help:"Give a member its default. Repeatable." placeholder:"NAME"`
}

// Patch returns the merge patch.
func (c *PatchFlags) Patch() (map[string]any, error) {
	if len(c.Set)+len(c.Unset) == 0 {
		return nil, Misused("nothing is to be changed: write --set NAME=VALUE or --unset NAME")
	}
	patch := map[string]any{}
	for _, text := range c.Set {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, Misused("--set %q: write NAME=VALUE", text)
		}
		if err := put(patch, name, jsonapi.Value(value)); err != nil {
			return nil, err
		}
	}
	for _, name := range c.Unset {
		if err := put(patch, name, nil); err != nil {
			return nil, err
		}
	}
	return patch, nil
}

// put sets a member of a patch whose name has dots between those of objects.
func put(patch map[string]any, name string, value any) error {
	parts := strings.Split(name, ".")
	for _, part := range parts[:len(parts)-1] {
		below, ok := patch[part].(map[string]any)
		if _, is := patch[part]; is && !ok {
			return Misused("%q is changed twice", part)
		}
		if !ok {
			below = map[string]any{}
			patch[part] = below
		}
		patch = below
	}
	last := parts[len(parts)-1]
	if _, is := patch[last]; is {
		return Misused("%q is changed twice", name)
	}
	patch[last] = value
	return nil
}
