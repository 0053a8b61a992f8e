package importing

import (
	"fmt"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Fault is what is wrong with a row, or with what an administrator entered about a user.
type Fault struct {
	ID      string // names the rule, such as "username.reserved"
	Message string // a sentence in English, which names the field
	field   string // of the row; the ID begins with it unless it is a text of the profile
}

func (f *Fault) Error() string { return f.Message }

// NewFault returns a fault of a field, by the id of the rule.
func NewFault(field, id, format string, args ...any) *Fault {
	return faultOf(field, id, format, args...)
}

// Field returns the name of the field, or "" if the fault is about several.
func (f *Fault) Field() string { return f.field }

func fault(id, format string, args ...any) *Fault {
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
