package signin

import (
	"errors"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants"
)

// wrong are all faults of a tenant's settings, by their paths.
type wrong []tenants.Fault

// Error implements error.
func (wrong) Error() string { return "invalid settings" }

// save stores the tenant with what change changes, in place of was. The event names what was changed, unless that is
// "". Faults are of type wrong; storage.ErrStale: another administrator was faster.
func (p place) save(c *console.Call, was storage.Tenant, change func(*tenants.Declared), upstream string) error {
	d := tenants.Declared{ID: was.ID, Settings: was.Settings, Secrets: map[int]string{}}
	change(&d)
	err := d.Complete(was, p.Secrets)
	found, ok := errors.AsType[tenants.Faults](err)
	if err != nil && !ok {
		return err
	}
	if all := append(found, d.Check(p.Issuer)...); len(all) > 0 {
		return wrong(all)
	}
	_, err = tenants.Save(c.Context(), p.Store, p.Secrets, was, d, func(e storage.Event) storage.Event {
		if upstream != "" {
			e.Detail = map[string]string{"upstream": upstream}
		}
		done := c.Asker.Event(e)
		done.TenantID = e.TenantID
		return done
	})
	return err
}

// refuse says what is wrong with settings beside the fields. fields are their names by the paths of faults, of which
// the longest that fits counts; a fault of no field stands above the form.
func refuse(c *console.Call, err error, fields map[string]string, keep ...string) error {
	all, ok := errors.AsType[wrong](err)
	if !ok {
		return c.Refuse(err, keep...)
	}
	var faults console.Faults
	for _, f := range all {
		path, field := f.Path, ""
		for path != "" && field == "" {
			if field = fields[path]; field == "" {
				path = path[:max(strings.LastIndexByte(path, '.'), 0)]
			}
		}
		text, err := c.Words.Say("sign-in.wrong." + field)
		if err != nil {
			text = strings.ToUpper(f.Message[:1]) + f.Message[1:] + "."
		}
		faults = append(faults, console.Fault{Field: field, Text: text})
	}
	return c.Refuse(faults, keep...)
}

// words returns the words of a field, which commas and spaces part.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

// flag returns a flag as a form sends it.
func flag(is bool) string {
	if is {
		return "1"
	}
	return ""
}

// valuesOf returns the stored values of fields by their names, for ChangedFields.
func valuesOf(fields []console.Field) map[string]string {
	all := map[string]string{}
	for _, f := range fields {
		all[f.Name] = f.Value
		if f.Kind == "checkbox" {
			all[f.Name] = flag(f.Checked)
		}
	}
	return all
}

// namesOf returns the names of the fields.
func namesOf(fields []console.Field) (names []string) {
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}
