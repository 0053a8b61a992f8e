package exports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// readCSV yields the records of a file of CSV as objects: each field is a string under the name of its column. The
// first line names the columns, unless the product's files have no such line. What clients of databases write
// for NULL is left out.
func readCSV(file io.Reader, p *product, yield func(object) bool) {
	in := &meter{file: file}
	in.goOn(0)
	first := make([]byte, 4096)
	n, err := io.ReadFull(in, first)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		yield(object{line: 1, err: err, fatal: true})
		return
	}
	c := csv.NewReader(io.MultiReader(bytes.NewReader(first[:n]), in))
	c.Comma, c.ReuseRecord = delimiter(first[:n]), true
	c.LazyQuotes = c.Comma == '\t' // mysql --batch writes quotes as they are
	columns := p.columns
	if columns == nil {
		if columns, err = header(c); err != nil {
			yield(object{line: 1, err: err, fatal: true})
			return
		}
	} else {
		c.FieldsPerRecord, c.LazyQuotes = -1, true
	}
	for {
		in.goOn(c.InputOffset())
		line := in.line(c.InputOffset())
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		o := object{line: line, err: err, fatal: true}
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			o = object{line: parse.StartLine,
				err: fmt.Errorf("it is not a line of CSV with %d columns: %w", len(columns), parse.Err)}
		} else if err == nil {
			o = recordOf(columns, record)
			o.line, _ = c.FieldPos(0)
		}
		if !yield(o) || o.fatal {
			return
		}
	}
}

// delimiter returns which of the usual delimiters the first line has most of: Excel takes that of the region.
func delimiter(text []byte) rune {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	found, most := ',', bytes.Count(line, []byte(","))
	for _, d := range ";\t" {
		if n := bytes.Count(line, []byte(string(d))); n > most {
			found, most = d, n
		}
	}
	return found
}

// header reads the names of the columns.
func header(c *csv.Reader) ([]string, error) {
	record, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("the line that names the columns is missing: %w", err)
	}
	columns := make([]string, len(record))
	for i, name := range record {
		columns[i] = strings.ToLower(strings.TrimSpace(name))
	}
	return columns, nil
}

// recordOf returns a record as an object.
func recordOf(columns, record []string) (o object) {
	fields := map[string]string{}
	for i, val := range record {
		if !utf8.ValidString(val) {
			o.err = errors.New("it is not UTF-8: save the file as CSV in UTF-8")
			return o
		}
		if i < len(columns) && val != "" && val != "NULL" && val != `\N` {
			fields[columns[i]] = val
		}
	}
	o.raw, o.err = json.Marshal(fields)
	return o
}
