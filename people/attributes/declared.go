package attributes

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/vouchsafe/vouchsafe/internal/fault"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Fault is what is wrong with one attribute.
type Fault struct {
	Name    string // of the attribute; in what CheckDeclared returns, the field of the declaration
	Message string // a sentence about it without its subject, which says what to write instead
}

// Error returns the name with the message.
func (f Fault) Error() string { return f.Name + " " + f.Message }

// Faults are all that is wrong with the values of a user.
type Faults = fault.List[Fault]

const (
	maxName    = 64
	maxTitle   = 100
	maxPattern = 200
	// MaxDeclared bounds the attributes of a tenant: their values are read with the user, always.
	MaxDeclared = 100
)

var (
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	types    = []string{
		storage.AttributeString, storage.AttributeNumber, storage.AttributeBoolean, storage.AttributeDate,
		storage.AttributeList,
	}
	parties = []string{storage.ByOwner, storage.ByAdministrator}
)

// CheckDeclared returns all that is wrong with the declaration of an attribute.
func CheckDeclared(a storage.Attribute) (fs Faults) {
	wrong := func(field, format string, args ...any) { fs = append(fs, Fault{field, fmt.Sprintf(format, args...)}) }
	switch {
	case len(a.Name) > maxName || !nameForm.MatchString(a.Name):
		wrong("name", "%q isn't a name: write small letters, digits and _, a letter first, at most %d characters",
			a.Name, maxName)
	case claims.Standard.Named(a.Name) != nil:
		wrong("name", "%q is a claim of the profile already: write another name", a.Name)
	}
	if len(a.Title) > maxTitle || strings.ContainsFunc(a.Title, unicode.IsControl) {
		wrong("title", "is longer than %d bytes, or has control characters", maxTitle)
	}
	for _, f := range []struct {
		field, value string
		allowed      []string
	}{{"type", a.Type, types}, {"see", a.See, parties}, {"edit", a.Edit, parties}} {
		if f.value != "" && !slices.Contains(f.allowed, f.value) {
			wrong(f.field, "%q isn't allowed: write one of %s", f.value, strings.Join(f.allowed, ", "))
		}
	}
	if a.Edit == storage.ByOwner && a.See != storage.ByOwner {
		wrong("edit", "is owner, but see isn't: users must see what they edit. Write see: owner")
	}
	if a.Unique && (a.Type == storage.AttributeBoolean || a.Type == storage.AttributeList) {
		wrong("unique", "can't be set on a %s: only strings, numbers and dates can be unique", a.Type)
	}
	checkPattern(a, wrong)
	return fs
}

// checkPattern checks the pattern of an attribute.
func checkPattern(a storage.Attribute, wrong func(field, format string, args ...any)) {
	if a.Pattern == "" {
		return
	}
	if a.Type != "" && a.Type != storage.AttributeString && a.Type != storage.AttributeList {
		wrong("pattern", "can't be set on a %s: only strings and lists have one", a.Type)
	}
	if _, err := compile(a.Pattern); err != nil || len(a.Pattern) > maxPattern {
		wrong("pattern", "%.80q isn't a regular expression of at most %d bytes: write one in the syntax of RE2, such as "+
			"[A-Z]{2}[0-9]+", a.Pattern, maxPattern)
	}
}
