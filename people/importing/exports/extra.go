package exports

import (
	"fmt"

	"github.com/vouchsafe/vouchsafe/people/importing"
)

// mostExtras bounds how many users further files are about: they are held in memory.
const mostExtras = 2_000_000

// extra is what further files say of a user.
type extra struct {
	hash       text
	verified   bool // the address
	identities []account
	totp       *importing.TOTP
	codes      []string
	passkeys   []importing.Passkey
	profile    map[string]text
	lost       []string
}

// account is an account at an upstream provider, by the name that the product has for the provider.
type account struct{ provider, subject, email text }

// of returns what is known of the user, to be added to.
func (f *files) of(id text) *extra {
	e := f.more[string(id)]
	if e == nil {
		e = &extra{}
		f.more[string(id)] = e
	}
	return e
}

// addTo gives the row what further files say of the user.
func (f *files) addTo(read *importing.Read, id text) *extra {
	e := f.more[string(id)]
	if e == nil {
		return &extra{}
	}
	if e.hash != "" {
		setHash(&read.Row, e.hash)
	}
	read.Row.EmailVerified = read.Row.EmailVerified || e.verified
	for _, a := range e.identities {
		f.link(read, a)
	}
	if e.totp != nil {
		read.Row.TOTP = e.totp
	}
	read.Row.RecoveryCodes = append(read.Row.RecoveryCodes, e.codes...)
	for _, p := range e.passkeys {
		f.addPasskey(read, p)
	}
	for _, what := range e.lost {
		lost(read, "%s", what)
	}
	return e
}

// errColumns says that an object of a further file is not of one of the tables that are read.
func errColumns(tables string) error {
	return fmt.Errorf("it has not the columns of %s", tables)
}

// setProfile sets a claim of the user.
func (e *extra) setProfile(claim string, val text) {
	if e.profile == nil {
		e.profile = map[string]text{}
	}
	e.profile[claim] = val
}

// lose notes what of the user is not imported.
func (e *extra) lose(what string) { e.lost = append(e.lost, what) }
