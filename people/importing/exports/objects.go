package exports

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/people/importing"
)

// object is one object of a file, as JSON, or what is wrong with it. After a fatal one nothing can be read.
type object struct {
	line  int
	raw   json.RawMessage
	err   error
	fatal bool
	// head are the members that stand before it in the object around it, of those that the product reads. listed says
	// that this object around it is one of a list.
	head   map[string]text
	listed bool
}

// maxObject bounds one object of a file, in bytes, and what is read of a file at once.
const maxObject = 1 << 20

var errLong = errors.New("what begins here is longer than 1 MiB, which no user is: is it the right file?")

// newMeter returns a reader of the file that no object makes keep more than maxObject.
func newMeter(file io.Reader) *importing.Meter {
	in := &importing.Meter{File: file, Most: maxObject, Long: errLong}
	in.GoOn(0)
	return in
}

// maxDepth bounds how deep a part of a file is nested that is passed over.
const maxDepth = 256

var errNoUsers = errors.New("it has no users in it: is it the right file, and the right --from?")

// objectsOf returns the objects of a file: JSON if it begins like that, else CSV.
func objectsOf(file io.Reader, p *product) iter.Seq[object] {
	return func(yield func(object) bool) {
		r := bufio.NewReader(file)
		head, _ := r.Peek(3) // a shorter file has no mark
		switch {
		case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
			yield(object{line: 1, err: errors.New("it is UTF-16: save it as UTF-8"), fatal: true})
			return
		case string(head) == "\ufeff":
			_, _ = r.Discard(len(head)) // they were there
		}
		first, err := firstByte(r)
		switch {
		case errors.Is(err, io.EOF):
			yield(object{line: 1, err: errors.New("it is empty"), fatal: true})
		case err != nil:
			yield(object{line: 1, err: err, fatal: true})
		case first == '{' || first == '[':
			readJSON(r, p, yield)
		default:
			readCSV(r, p, yield)
		}
	}
}

// firstByte returns the first byte that is no white space, and leaves it unread.
func firstByte(r *bufio.Reader) (byte, error) {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		if !bytes.ContainsAny([]byte{b}, " \t\r\n") {
			return b, r.UnreadByte()
		}
	}
}

// jsonReader reads objects from JSON.
type jsonReader struct {
	*json.Decoder
	in    *importing.Meter
	p     *product
	yield func(object) bool
	found bool // the file has what would hold users
	// head and listed are those of the objects that follow.
	head   map[string]text
	listed bool
}

// errStop ends the reading: the caller has had enough.
var errStop = errors.New("enough")

// readJSON yields the objects of a file of JSON.
func readJSON(file io.Reader, p *product, yield func(object) bool) {
	in := newMeter(file)
	r := &jsonReader{Decoder: json.NewDecoder(in), in: in, p: p, yield: yield}
	err := r.top()
	if errors.Is(err, io.EOF) {
		err = nil
		if !r.found {
			err = errNoUsers
		}
	}
	if err != nil && !errors.Is(err, errStop) {
		yield(object{line: in.Line(r.InputOffset()), err: explained(err), fatal: true})
	}
}

// explained returns what is wrong with JSON, without what stands there.
func explained(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is not JSON from here on, or was cut off")
	}
	return err
}

// top reads one value after another at the top of the file, until io.EOF.
func (r *jsonReader) top() error {
	for {
		token, err := r.next()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('['):
			err = r.array(r.p.contained)
		case json.Delim('{'):
			r.listed = false
			err = r.container()
		default:
			err = errNoUsers
		}
		if err != nil {
			return err
		}
	}
}

// next returns the next token.
func (r *jsonReader) next() (json.Token, error) {
	r.in.GoOn(r.InputOffset())
	return r.Token()
}

// array yields the elements of an array whose bracket was read. mixed says that an element may be a user or an object
// around users.
func (r *jsonReader) array(mixed bool) error {
	r.found = true
	for r.more() {
		read := r.element
		if mixed {
			read = r.mixed
		}
		if err := read(); err != nil {
			return err
		}
	}
	_, err := r.next()
	return ended(err)
}

// more reports whether the array or object goes on.
func (r *jsonReader) more() bool {
	r.in.GoOn(r.InputOffset())
	return r.More()
}

// ended returns io.ErrUnexpectedEOF for io.EOF: the file ended inside of something.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// element yields the next value.
func (r *jsonReader) element() error {
	var raw json.RawMessage
	if err := r.Decode(&raw); err != nil {
		return ended(err)
	}
	return r.give(r.in.Line(r.InputOffset())-bytes.Count(raw, []byte("\n")), raw)
}

// mixed yields the next value, or the users in it.
func (r *jsonReader) mixed() error {
	token, err := r.next()
	line := r.in.Line(r.InputOffset())
	switch token {
	case json.Delim('{'):
		r.listed = true
		return r.container()
	case json.Delim('['):
		for err == nil && r.more() {
			err = r.pass()
		}
		if err == nil {
			_, err = r.next()
		}
	}
	if err != nil {
		return ended(err)
	}
	return r.give(line, nil)
}

// give yields an object.
func (r *jsonReader) give(line int, raw json.RawMessage) error {
	o := object{line: line, raw: raw, head: r.head, listed: r.listed}
	if !utf8.Valid(raw) {
		o.err = errors.New("it is not UTF-8")
	} else if len(raw) == 0 || raw[0] != '{' {
		o.err = errors.New("it is not a JSON object")
	}
	if !r.yield(o) {
		return errStop
	}
	return nil
}

// container reads an object whose brace was read: one that holds the users in an array, or one user.
func (r *jsonReader) container() error {
	line, size, kept := r.in.Line(r.InputOffset()), 0, map[string]json.RawMessage{}
	r.head = map[string]text{}
	for r.more() {
		key, err := r.next()
		if err != nil {
			return ended(err)
		}
		name, _ := key.(string)
		if slices.Contains(r.p.arrays, name) {
			kept = nil
			err = r.list()
		} else if slices.Contains(r.p.head, name) {
			kept = nil
			var val text
			err = r.Decode(&val)
			r.head[name] = val
		} else if kept == nil || r.p.contained && !r.listed {
			err = r.pass()
		} else {
			var raw json.RawMessage
			err = r.Decode(&raw)
			kept[name] = raw
			if size += len(raw); size > maxObject {
				err = errLong
			}
		}
		if err != nil {
			return ended(err)
		}
	}
	if _, err := r.next(); err != nil {
		return ended(err)
	}
	if kept == nil || r.p.contained && !r.listed {
		return nil
	}
	r.found = true
	raw, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("an object: %w", err)
	}
	return r.give(line, raw)
}

// list reads the value of a member that holds the users: an array, or null.
func (r *jsonReader) list() error {
	token, err := r.next()
	if err != nil || token != json.Delim('[') {
		return err
	}
	return r.array(false)
}

// pass passes over the next value, whatever its size.
func (r *jsonReader) pass() error {
	for depth := 0; ; {
		token, err := r.next()
		if err != nil {
			return ended(err)
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth > maxDepth {
			return errors.New("it is nested too deep")
		}
		if depth == 0 {
			return nil
		}
	}
}
