package settings

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/vouchsafe/vouchsafe/declare"
)

const (
	// dotenvFile is the file with variables for development.
	dotenvFile = ".env"
	// maxDotenv bounds it, in bytes.
	maxDotenv = 1 << 20
)

// dotenv has the variables of a .env file.
type dotenv struct {
	environ []string // as os.Environ has them
	lines   map[string]int
	faults  declare.Faults
}

// readDotenv reads ./.env for an environment, whose variables go first: also those that are empty, and also NAME_FILE
// before NAME. It returns nil if there is no such file. wanted says which variables are read at all; those of other
// programs need not be unambiguous.
func readDotenv(environ []string, wanted func(name string) bool) *dotenv {
	if !isFile(dotenvFile) { // some virtual environments of Python are folders of that name
		return nil
	}
	d := &dotenv{lines: map[string]int{}}
	text, err := readSmall(dotenvFile)
	if err != nil {
		d.faults.Add(dotenvFile, "cannot be read: %v", err)
		return d
	}
	set := map[string]bool{}
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		set[strings.TrimSuffix(name, "_FILE")] = true
	}
	p := dotenvParser{rest: strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"), line: 1}
	for p.next() {
		at := declare.Place{File: dotenvFile, Line: p.at, Column: 1}
		switch {
		case p.fault != "": // it quotes nothing: any part of the line may be a secret
			d.faults.At(at, "%s", p.fault)
			return d
		case !wanted(p.name) || set[strings.TrimSuffix(p.name, "_FILE")]:
		case p.doubt != "":
			d.faults.At(at, "%s: %s", p.name, p.doubt)
		case d.lines[p.name] != 0:
			d.faults.At(at, "%s is set in line %d already", p.name, d.lines[p.name])
		default:
			d.environ, d.lines[p.name] = append(d.environ, p.name+"="+p.value), p.at
		}
	}
	return d
}

func readSmall(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", errors.Unwrap(err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxDotenv+1))
	err = errors.Join(err, f.Close())
	if err == nil && len(text) > maxDotenv {
		err = errors.New("it is longer than a megabyte")
	}
	return string(text), err
}

// dotenvParser reads lines as NAME=VALUE, with or without export before them. A value in single quotes is what is
// between them. In double quotes \n, \r, \t, \", \\ and \$ are escapes; both may go over several lines. Other values
// end at a # after a space, or with the line. That is what most programs read that know such files. Where they differ,
// doubt says so.
type dotenvParser struct {
	rest string
	line int // of rest

	name, value string
	at          int    // the line of the name
	fault       string // the rest cannot be read
	doubt       string // programs read the value in different ways
}

// next reads the next variable, and returns false at the end.
func (p *dotenvParser) next() bool {
	for {
		p.skip(" \t")
		switch {
		case p.rest == "":
			return false
		case p.rest[0] == '\n':
			p.rest, p.line = p.rest[1:], p.line+1
		case p.rest[0] == '#':
			p.rest = p.rest[p.endOfLine():]
		default:
			p.read()
			return true
		}
	}
}

func (p *dotenvParser) skip(chars string) { p.rest = strings.TrimLeft(p.rest, chars) }

func (p *dotenvParser) endOfLine() int {
	if i := strings.IndexByte(p.rest, '\n'); i >= 0 {
		return i
	}
	return len(p.rest)
}

func (p *dotenvParser) read() {
	p.at, p.doubt, p.value = p.line, "", ""
	if after, ok := strings.CutPrefix(p.rest, "export"); ok && strings.TrimLeft(after, " \t") != after {
		p.rest = after
		p.skip(" \t")
	}
	end := strings.IndexFunc(p.rest, func(c rune) bool {
		return c != '_' && c != '.' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
	if end < 0 {
		end = len(p.rest)
	}
	p.name, p.rest = p.rest[:end], p.rest[end:]
	p.skip(" \t")
	if p.name == "" || p.rest == "" || p.rest[0] != '=' {
		p.fault = "is no variable: write NAME=VALUE, or # before a comment"
		return
	}
	p.rest = p.rest[1:]
	p.skip(" \t")
	switch {
	case strings.HasPrefix(p.rest, "'"):
		p.quoted('\'')
	case strings.HasPrefix(p.rest, `"`):
		p.quoted('"')
	case strings.HasPrefix(p.rest, "`"):
		p.fault = "begins with a backquote: write the value in single quotes"
	default:
		p.plain()
	}
	if strings.ContainsRune(p.value, 0) {
		p.fault = "has a NUL byte"
	}
}

// plain reads a value without quotes.
func (p *dotenvParser) plain() {
	line := p.rest[:p.endOfLine()]
	p.rest = p.rest[len(line):]
	if i := strings.IndexFunc(line, func(c rune) bool { return c == '#' }); i == 0 || i > 0 && isBlank(line[i-1]) {
		line = line[:i]
	} else if i > 0 {
		p.doubt = "programs disagree on what follows #: write the value in quotes, or a space before a comment"
	}
	p.value = strings.TrimRight(line, " \t\r")
	if strings.ContainsAny(p.value, `"'\`) {
		p.doubt = "programs disagree on quotes and backslashes in a value without quotes: write it in single quotes"
	}
	p.doubtExpansion()
}

// quoted reads a value in quotes.
func (p *dotenvParser) quoted(quote byte) {
	var b strings.Builder
	expands := false
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == quote:
			p.value, p.rest = b.String(), p.rest[i+1:]
			if expands {
				p.doubt = expansion
			}
			after := strings.TrimLeft(p.rest[:p.endOfLine()], " \t\r")
			if after != "" && after[0] != '#' {
				p.fault = "goes on after the quotes: write the whole value in them"
			}
			p.rest = p.rest[p.endOfLine():]
			return
		case c == '\\' && quote == '"' && i+1 < len(p.rest):
			i++
			plain, known := escapes[p.rest[i]]
			if !known {
				plain, p.doubt = p.rest[i], "programs disagree on a backslash before that character: write the value in "+
					"single quotes"
			}
			b.WriteByte(plain)
		default:
			if c == '\n' {
				p.line++
			}
			expands = expands || c == '$' && quote == '"' && i+1 < len(p.rest) && begins(p.rest[i+1])
			b.WriteByte(c)
		}
	}
	p.fault = "has quotes that don't end"
}

var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\', '$': '$'}

const expansion = "some programs put a variable or a command in the place of $: write the value in single quotes"

// doubtExpansion reports a $ that some programs expand.
func (p *dotenvParser) doubtExpansion() {
	i := strings.IndexByte(p.value, '$')
	for ; i >= 0 && i+1 < len(p.value); i++ {
		if p.value[i] == '$' && begins(p.value[i+1]) {
			p.doubt = expansion
			return
		}
	}
}

// begins reports whether a $ before c may stand for something else.
func begins(c byte) bool {
	return c == '{' || c == '(' || c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' ||
		c >= 'a' && c <= 'z'
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// wantedOfDotenv reports whether a .env file may set the variable: those of Vouchsafe, and of the products in whose
// place it answers. Others would reach libraries and programs that have nothing to do with settings.
func wantedOfDotenv(name string) bool {
	bare := strings.TrimSuffix(name, "_FILE")
	return strings.HasPrefix(name, EnvPrefix) ||
		isVariable(KeratinVariables, bare) ||
		isVariable(BackendAuthVariables, bare)
}
