package exports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// product is how the exports of a product are read.
type product struct {
	// arrays are the names of the members that hold users, when the file is an object.
	arrays []string
	// contained says that an object at the top of the file is no user.
	contained bool
	// head are the names of the members of the object around the users that the product reads. A user has none of them.
	head []string
	// columns are those of CSV that does not name them in its first line; nil for CSV that does.
	columns []string
	// user reads a user. ok is false for an object that is about something else.
	user func(f *files, raw json.RawMessage) (read importing.Read, ok bool, err error)
	// further reads an object of a further file; nil for products that have all in one file.
	further func(f *files, raw json.RawMessage) error
}

// Options say how the exports of a product are read.
type Options struct {
	Product string // one of Products
	// Upstreams are those of the tenant, and Names are their ids by the names that the product has for them, for
	// upstreams that cannot be told by their preset.
	Upstreams []storage.Upstream
	Names     map[string]string
	// Attributes are those that the tenant declares.
	Attributes []storage.Attribute
	// Realm is the realm whose users come, of a file that has several; "" for a file that has one.
	Realm string
	// PasskeyHost is the host for which passkeys were made, where the export does not say it.
	PasskeyHost string
	// Sealing opens what Keratin AuthN has sealed. Numbers keeps its ids as numbers by which its apps know users, and
	// Confirmed says that the app has confirmed all addresses.
	Sealing            *Sealing
	Numbers, Confirmed bool
}

// files are the files of one export.
type files struct {
	Options
	product *product
	more    map[string]*extra // by the id of the user
	devices map[string]string // ids of users by the id of a set of recovery codes
	head    map[string]text   // of the user who is read
	reached bool              // the realm was found
}

// Export is an export whose further files were read.
type Export struct{ files *files }

// File is a further file of an export.
type File struct {
	Name string // for errors
	io.Reader
}

// readFurther reads a further file.
func (f *files) readFurther(file io.Reader) error {
	for o := range objectsOf(file, f.product) {
		if o.err == nil {
			o.err = f.product.further(f, o.raw)
		}
		if o.err != nil {
			return fmt.Errorf("line %d: %w", o.line, hidden(o.err))
		}
		if len(f.more) > mostExtras {
			return fmt.Errorf("it is about more than %d users: import them in parts", mostExtras)
		}
	}
	return nil
}

// Read returns the rows of the file of the users.
func (e *Export) Read(file io.Reader) iter.Seq[importing.Read] {
	return func(yield func(importing.Read) bool) {
		for o := range objectsOf(file, e.files.product) {
			read, ok := importing.Read{Err: o.err, Fatal: o.fatal}, true
			if o.err == nil {
				read, ok = e.files.read(o)
			}
			read.Line = o.line
			if ok && (!yield(read) || read.Fatal) {
				return
			}
		}
		if e.files.Realm != "" && !e.files.reached {
			yield(importing.Read{Line: 1, Err: fmt.Errorf("it has no users of a realm %.80q", e.files.Realm), Fatal: true})
		}
	}
}

// Record is a user in a database, as JSON objects with the columns of the product's tables.
type Record struct {
	Line    int
	User    json.RawMessage
	Further []json.RawMessage // what other tables have of the user
	Err     error             // after it nothing can be read
}

// Records returns the rows of the users of a database.
func (e *Export) Records(all iter.Seq[Record]) iter.Seq[importing.Read] {
	return func(yield func(importing.Read) bool) {
		for o := range all {
			if o.Err != nil {
				yield(importing.Read{Line: o.Line, Err: o.Err, Fatal: true})
				return
			}
			clear(e.files.more)
			read, ok, err := importing.Read{}, true, error(nil)
			for _, f := range o.Further {
				err = errors.Join(err, e.files.product.further(e.files, f))
			}
			if err == nil {
				read, ok, err = e.files.user(o.User)
			}
			read.Line, read.Err = o.Line, err
			if ok && !yield(read) {
				return
			}
		}
	}
}

// read reads a user, unless it is one of another realm.
func (f *files) read(o object) (read importing.Read, ok bool) {
	realm := string(o.head["realm"])
	if f.Realm == "" && o.listed && realm != "" {
		read.Err = errors.New("it is a list of realms: say with --realm NAME which users come to this tenant")
		read.Fatal = true
		return read, true
	}
	if f.Realm != "" && realm != "" && realm != f.Realm {
		return read, false
	}
	f.reached, f.head = true, o.head
	read, ok, read.Err = f.user(o.raw)
	return read, ok
}

// user reads a user.
func (f *files) user(raw json.RawMessage) (importing.Read, bool, error) {
	read, ok, err := f.product.user(f, raw)
	if err != nil {
		return importing.Read{}, true, hidden(err)
	}
	if ok && read.Skip == nil && read.Row.TOTP == nil && len(read.Row.Passkeys) == 0 {
		read.Row.RecoveryCodes = nil // nothing that they would stand in for
	}
	return read, ok, nil
}

// hidden returns an error of encoding/json without what stands in the file.
func hidden(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("%s is a JSON %s, which it cannot be", kind.Field, kind.Value)
	case errors.As(err, &syntax):
		return errors.New("it is not the JSON that the product writes")
	}
	return err
}

// setID keeps the user's id: as it is if it is a UUID, else as external id.
func setID(row *importing.Row, id text) {
	if parsed, err := uuid.Parse(string(id)); err == nil && parsed.String() == string(id) {
		row.ID = string(id)
	} else {
		row.ExternalID = string(id)
	}
}

// setHash gives the row a password hash that is a text. An empty one is none.
func setHash(row *importing.Row, hash text) {
	row.PasswordHash = nil
	if hash != "" {
		row.PasswordHash, _ = json.Marshal(string(hash)) // a string has JSON
	}
}

// addPasskey gives the row a passkey, if its host is known.
func (f *files) addPasskey(read *importing.Read, p importing.Passkey) {
	if p.Host = f.PasskeyHost; p.Host == "" {
		lost(read, "the passkey is not imported: if this server takes over the host name for which it was made, say "+
			"--passkeys HOST")
		return
	}
	read.Row.Passkeys = append(read.Row.Passkeys, p)
}

// lost notes what of a user is not imported.
func lost(read *importing.Read, format string, args ...any) {
	read.Lost = append(read.Lost, fmt.Errorf(format, args...))
}

// skipped returns a user who is left out on purpose.
func skipped(row importing.Row, why string) (importing.Read, bool, error) {
	return importing.Read{Row: row, Skip: errors.New(why)}, true, nil
}
