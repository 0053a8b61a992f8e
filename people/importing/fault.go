package importing

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vouchsafe/vouchsafe/internal/fault"
	"github.com/vouchsafe/vouchsafe/people/attributes"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Fault is what is wrong with a row, or with what an administrator entered about a user.
type Fault struct {
	ID      string // names the rule, such as "username.reserved"
	Message string // a sentence in English, which names the field
	field   string // of the row; the ID begins with it unless it is a text of the profile
}

func (f *Fault) Error() string { return f.Message }

// Faults are all that is wrong with an entry.
type Faults = fault.List[*Fault]

// Collect calls the checks and returns all their faults. It stops at an error of another kind, and returns that.
func Collect(checks ...func() error) error {
	var fs Faults
	for _, check := range checks {
		err := check()
		if more, ok := errors.AsType[Faults](err); ok {
			fs = append(fs, more...)
		} else if f, ok := errors.AsType[*Fault](err); ok {
			fs = append(fs, f)
		} else if err != nil {
			return err
		}
	}
	return fs.Err()
}

// AttributeFaults returns what attributes.Change refused as Faults, and other errors as they are.
func AttributeFaults(err error) error {
	values, ok := errors.AsType[attributes.Faults](err)
	if !ok {
		return err
	}
	var fs Faults
	for _, f := range values {
		fs = append(fs, faultOf("attributes."+f.Name, "attributes.form", "%s %s", f.Name, f.Message))
	}
	return fs.Err()
}

// NewFault returns a fault of a field, by the id of the rule.
func NewFault(field, id, format string, args ...any) *Fault {
	return faultOf(field, id, format, args...)
}

// Field returns the name of the field, or "" if the fault is about several.
func (f *Fault) Field() string { return f.field }

func ofRule(id, format string, args ...any) *Fault {
	field, _, _ := strings.Cut(id, ".")
	return faultOf(field, id, format, args...)
}

func faultOf(field, id, format string, args ...any) *Fault {
	return &Fault{id, fmt.Sprintf(format, args...), field}
}

// TakenAddress returns the Fault of an address that another user has.
func TakenAddress(email string) *Fault {
	return faultOf("email", "taken", "another user already has the address %s", email)
}

// TakenUsername returns the Fault of a username that another user has.
func TakenUsername(name string) *Fault {
	return faultOf("username", "taken", "another user already has the username %s, or one that looks like it", name)
}

// Taken returns the Fault of a user whose address or name another user has.
func Taken(u storage.User) *Fault {
	switch {
	case u.Username == "":
		return TakenAddress(u.Email)
	case u.Email == "":
		return TakenUsername(u.Username)
	}
	return faultOf("email", "taken",
		"another user already has the address %s, or the username %s or one that looks like it", u.Email, u.Username)
}
