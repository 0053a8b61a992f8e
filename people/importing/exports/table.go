package exports

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/people/importing"
)

// readCSV yields the records of a file of CSV as objects: each field is a string under the name of its column. The
// first line names the columns, unless the product's files have no such line. What clients of databases write
// for NULL is left out.
func readCSV(file io.Reader, p *product, yield func(object) bool) {
	in := newMeter(file)
	first := make([]byte, 4096)
	n, err := io.ReadFull(in, first)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		yield(object{line: 1, err: err, fatal: true})
		return
	}
	all := io.MultiReader(bytes.NewReader(first[:n]), in)
	c := csv.NewReader(all)
	c.Comma, c.ReuseRecord = delimiter(first[:n]), true
	columns := p.columns
	if c.Comma == '\t' && columns == nil {
		readTabs(in, bufio.NewReader(all), yield)
		return
	}
	if columns == nil {
		if columns, err = header(c); err != nil {
			yield(object{line: 1, err: err, fatal: true})
			return
		}
	} else {
		c.FieldsPerRecord, c.LazyQuotes = -1, true
	}
	for {
		in.GoOn(c.InputOffset())
		line := in.Line(c.InputOffset())
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

// readTabs yields the records of a file as mysql --batch writes it. No quotes surround a value there, and one may begin
// with a quote: to package csv, it would go on to the next quote, over the lines of other users.
func readTabs(in *importing.Meter, all *bufio.Reader, yield func(object) bool) {
	var columns []string
	offset := int64(0)
	for number := 1; ; number++ {
		in.GoOn(offset)
		line, err := all.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			yield(object{line: number, err: err, fatal: true})
			return
		}
		offset += int64(len(line))
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			fields := strings.Split(line, "\t")
			for i, field := range fields {
				fields[i] = unescaped(field)
			}
			switch {
			case columns == nil:
				columns = named(fields)
			default:
				o := object{err: fmt.Errorf("it is not a line with %d columns", len(columns))}
				if len(fields) == len(columns) {
					o = recordOf(columns, fields)
				}
				if o.line = number; !yield(o) {
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}

// unescaped returns a value that mysql --batch has written. Programs that write tables with tabs put a value into
// quotes, and double those inside: that is read, too.
func unescaped(field string) string {
	if inner, ok := strings.CutPrefix(field, `"`); ok && strings.HasSuffix(inner, `"`) {
		if inner = inner[:len(inner)-1]; !strings.Contains(strings.ReplaceAll(inner, `""`, ""), `"`) {
			return strings.ReplaceAll(inner, `""`, `"`)
		}
	}
	return batchEscapes.Replace(field)
}

var batchEscapes = strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\0`, "\x00")

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
	return named(record), nil
}

// named returns the names of columns in small letters.
func named(record []string) []string {
	columns := make([]string, len(record))
	for i, name := range record {
		columns[i] = strings.ToLower(strings.TrimSpace(name))
	}
	return columns
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
