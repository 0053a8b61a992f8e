package importing

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// maxRow bounds a row of a file, in bytes.
const maxRow = 64 << 10

var errLongRow = fmt.Errorf("the row that begins here is longer than %d bytes: is a quote left open?", maxRow)

var byteOrderMark = []byte("\ufeff")

// ReadRows returns the rows of a file: of CSV, with the names of the columns in its first line, or of JSON lines.
func ReadRows(file io.Reader, isCSV bool) iter.Seq[Read] {
	r := bufio.NewReaderSize(file, maxRow)
	if head, _ := r.Peek(len(byteOrderMark)); bytes.Equal(head, byteOrderMark) {
		_, _ = r.Discard(len(head)) // they were there
	}
	if isCSV {
		return csvRows(r)
	}
	return jsonRows(r)
}

// jsonRows returns the rows of a file that has a JSON object on each line.
func jsonRows(r *bufio.Reader) iter.Seq[Read] {
	return func(yield func(Read) bool) {
		for n := 1; ; n++ {
			line, tooLong, err := readLine(r)
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Read{Line: n, Err: err, Fatal: true})
				return
			}
			switch text := bytes.TrimSpace(line); {
			case tooLong:
				if !yield(Read{Line: n, Err: fmt.Errorf("the line is longer than %d bytes", maxRow)}) {
					return
				}
			case len(text) > 0:
				row, bad := jsonRow(text)
				if !yield(Read{Line: n, Row: row, Err: bad}) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

// readLine reads a line. It keeps no more than maxRow of it.
func readLine(r *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxRow {
			tooLong, line = true, nil
		} else if !tooLong {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

// jsonRow reads a row from one JSON object.
func jsonRow(text []byte) (row Row, err error) {
	if !utf8.Valid(text) {
		return row, errors.New("it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	// A misspelt field would be lost without a word.
	dec.DisallowUnknownFields()
	if err := dec.Decode(&row); err != nil {
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch { // other errors may quote what they read
		case errors.As(err, &kind):
			return row, fmt.Errorf("%s is a JSON %s, which it cannot be", kind.Field, kind.Value)
		case strings.HasPrefix(err.Error(), "json: unknown field"):
			return row, errors.New(strings.TrimPrefix(err.Error(), "json: "))
		case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
			return row, errors.New("it is not a JSON object")
		}
		return row, errors.New("it cannot be read: is a date not in the form of 2006-01-02T15:04:05Z?")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return row, errors.New("there is something behind the JSON object")
	}
	return row, nil
}

// csvColumns returns the columns that a file may have.
func csvColumns() []string {
	all := strings.Fields("id external_id email email_verified username phone_number phone_number_verified roles " +
		"disabled " +
		"created_at updated_at password_hash password_salt address")
	for _, c := range claims.Standard.All() {
		if c.Text != nil && !c.Member() {
			all = append(all, c.Name)
		}
	}
	return all
}

// csvRows returns the rows of a file of which the first line names the columns.
func csvRows(r *bufio.Reader) iter.Seq[Read] {
	return func(yield func(Read) bool) {
		if head, _ := r.Peek(1); string(head) == "[" {
			yield(Read{Line: 1, Err: errors.New("it is a list in JSON: write each object on a line of its own, without commas " +
				"between them, or say which product has exported it"), Fatal: true})
			return
		}
		in := &Meter{File: r, Most: maxRow, Long: errLongRow}
		in.GoOn(0)
		c := csv.NewReader(in)
		c.Comma = delimiterOf(r)
		columns, err := c.Read()
		if err != nil {
			yield(Read{Line: 1, Err: fmt.Errorf("the line that names the columns is missing: %w", err), Fatal: true})
			return
		}
		known := csvColumns()
		for i, name := range columns {
			if !slices.Contains(known, name) || slices.Contains(columns[:i], name) {
				err := fmt.Errorf("column %.40q is unknown, or there twice: there are %s", name, strings.Join(known, ", "))
				yield(Read{Line: 1, Err: err, Fatal: true})
				return
			}
		}
		for {
			in.GoOn(c.InputOffset())
			out := Read{Line: in.Line(c.InputOffset())}
			record, err := c.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			var parse *csv.ParseError
			if errors.As(err, &parse) {
				out.Line = parse.StartLine
				out.Err = fmt.Errorf("it is not a line of CSV with %d columns: %w", len(columns), parse.Err)
			} else if err != nil {
				out.Err, out.Fatal = err, true
			} else {
				out.Line, _ = c.FieldPos(0)
				out.Row, out.Err = csvRow(columns, record)
			}
			if !yield(out) || out.Fatal {
				return
			}
		}
	}
}

// delimiterOf returns what separates the columns of a file: spreadsheets write a semicolon where the comma separates
// the decimals of a number, and some write tabs. No name of a column has any of them.
func delimiterOf(r *bufio.Reader) rune {
	head, _ := r.Peek(maxRow) // a file may be shorter
	head, _, _ = bytes.Cut(head, []byte("\n"))
	for _, other := range []byte{';', '\t'} {
		if !bytes.ContainsRune(head, ',') && bytes.IndexByte(head, other) >= 0 {
			return rune(other)
		}
	}
	return ','
}

// csvRow reads a row from the fields of the columns.
func csvRow(columns, record []string) (row Row, err error) {
	for i, name := range columns {
		val := record[i]
		if !utf8.ValidString(val) {
			return row, fmt.Errorf("%s is not UTF-8", name)
		}
		if val == "" {
			continue
		}
		var bad error
		switch name {
		case "id":
			row.ID = val
		case "external_id":
			row.ExternalID = val
		case "email":
			row.Email = val
		case "email_verified":
			row.EmailVerified, bad = strconv.ParseBool(val)
		case "username":
			row.Username = val
		case "phone_number":
			row.Phone = val
		case "phone_number_verified":
			row.PhoneVerified, bad = strconv.ParseBool(val)
		case "roles":
			row.Roles = strings.Fields(val)
		case "disabled":
			row.Disabled, bad = strconv.ParseBool(val)
		case "created_at":
			row.CreatedAt, bad = time.Parse(time.RFC3339, val)
		case "updated_at":
		case "password_hash":
			row.PasswordHash, bad = json.Marshal(val)
		case "password_salt":
			row.PasswordSalt = val
		case "address":
			row.Profile.Address = &storage.Address{Formatted: val}
		default:
			*claims.Standard.Named(name).Text(&row.Profile) = val
		}
		if bad != nil {
			return row, fmt.Errorf("%s is neither true nor false, or no date in the form of 2006-01-02T15:04:05Z", name)
		}
	}
	return row, nil
}
