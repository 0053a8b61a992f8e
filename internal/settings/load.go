package settings

import (
	"encoding"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/declare"
	"github.com/vouchsafe/vouchsafe/storage"
)

// loader gathers the settings from their sources.
type loader struct {
	config Config
	origin map[string]string // where a setting was set, by its name
	faults declare.Faults
}

// Load reads the settings. Later sources win: defaults, the file, ./.env, environ, flags. flags has the
// settings that were given as flags, by their names; file is the path that --config names, "" for
// none. Load returns the Config also when there are faults, which are the error (declare.Faults).
//
// A .env file is for development alone: it is read if the server is in development without it, and must leave it
// there. Otherwise a file that was left behind could change a server that users depend on.
func Load(flags map[string]string, file string, environ []string) (*Config, error) {
	c, faults := load(flags, file, environ)
	if !c.InDevelopment() {
		return c, faults.Err()
	}
	found := readDotenv(environ, wantedOfDotenv)
	if found == nil {
		return c, faults.Err()
	}
	c, faults = load(flags, file, slices.Concat(found.environ, environ))
	for i := range faults {
		if line := found.lines[faults[i].Where]; line > 0 {
			faults[i].Where = fmt.Sprintf("%s:%d: %s", dotenvFile, line, faults[i].Where)
		}
	}
	faults = append(found.faults, faults...)
	if !c.InDevelopment() {
		faults.Add(dotenvFile, "makes this a server that is not in development, and such a server reads no .env: give "+
			"the variables to its process, or set VOUCHSAFE_DEVELOPMENT=true if only you use it")
	}
	return c, faults.Err()
}

// load is Load without a .env file.
func load(flags map[string]string, file string, environ []string) (*Config, declare.Faults) {
	l := loader{origin: map[string]string{}}
	env := l.ownEnviron(environ)
	if file == "" {
		file = env[EnvPrefix+"CONFIG"]
	}
	l.readFile(file)
	found := file == "" && l.config.file != ""
	if found && l.config.Production() {
		l.faults.Add(l.origin["database_url"],
			"makes this a production server, which reads no file by chance: name it with --config %s", l.config.file)
	}
	l.readEnv(env)
	for _, s := range All() {
		if val, ok := flags[s.Name]; ok {
			l.set(s, "--"+s.Flag(), val)
		}
	}
	l.readKeratin(environ)
	l.readBackendAuth(environ)
	l.defaults()
	c := &l.config
	c.complete()
	l.faults = append(l.faults, c.check(func(name string) string {
		if o := l.origin[name]; o != "" {
			return o
		}
		return Named(name).Env()
	})...)
	if c.Tenants == "" && !c.Production() && isFile("tenants.yaml") {
		c.Tenants = "tenants.yaml"
	}
	if c.Clients == "" && !c.Production() && isFile("clients.yaml") {
		c.Clients = "clients.yaml"
	}
	return c, l.faults
}

// readFile reads the file, or ./vouchsafe.yaml when none is named and it is there.
func (l *loader) readFile(file string) {
	named := file != ""
	if !named {
		file = "vouchsafe.yaml"
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return
	}
	if err != nil {
		l.faults.Add(file, "cannot be read: %v", errors.Unwrap(err))
		return
	}
	l.config.file = file
	for v := range declare.Values(file, text, &l.faults) {
		l.setFromEntry(v)
	}
}

// readKeratin reads the variables of Keratin AuthN if the setting keratin is set. Some stand for settings of ours.
func (l *loader) readKeratin(environ []string) {
	c := &l.config
	if c.Keratin == "" {
		return
	}
	k := newKeratin(c.Keratin)
	k.ownDatabase, k.knowsProxies = c.DatabaseURL != "", len(c.TrustedProxies) > 0
	k.read(environ, &l.faults)
	l.stands(&c.DatabaseURL, k.database, "database_url", "DATABASE_URL")
	l.stands(&c.RedisURL, k.redis, "redis_url", "REDIS_URL")
	l.stands(&c.Secret, k.secret, "secret", "SECRET_KEY_BASE")
	l.stands(&c.SentryDSN, k.sentry, "sentry_dsn", "SENTRY_DSN")
	c.KeratinAuthN = k
}

// readBackendAuth reads the variables of backend-auth if the setting backend_auth is set. Some stand for settings of
// ours.
func (l *loader) readBackendAuth(environ []string) {
	c := &l.config
	if c.BackendAuth == "" {
		return
	}
	b := newBackendAuth(c.BackendAuth)
	b.read(environ, &l.faults)
	l.stands(&c.RedisURL, b.redis, "redis_url", "REDIS_URL")
	l.stands(&c.Secret, b.secret, "secret", "JWT_KEY")
	c.BackendAuthVariables = b
}

// stands has the variable of another product stand for a setting that is not set.
func (l *loader) stands(to *Secret, value, name, variable string) {
	if *to == "" && value != "" {
		*to, l.origin[name] = Secret(value), variable
	}
}

// setFromEntry takes what an entry of the file sets.
func (l *loader) setFromEntry(v declare.Value) {
	s, fromFile := Named(v.Name), false
	if s == nil {
		s = Named(strings.TrimSuffix(v.Name, "_file"))
		fromFile = s != nil && s.Secret
	}
	switch {
	case s == nil || s.Name != v.Name && !fromFile:
		l.faults.At(v.NameAt, "%s is not a setting%s", v.Name,
			suggested(v.Name, func(setting string) string { return setting }))
	case v.Empty:
	case v.Texts == nil, fromFile && len(v.Texts) == 0:
		l.faults.At(v.At, "%s: want a value, or a list of them", v.Name)
	case fromFile:
		l.setFromFile(s, v.At.String(), v.Texts[0])
	default:
		l.set(s, v.At.String(), v.Texts...)
	}
}

// setFromFile gives a setting what a file holds, without spaces and line breaks at its ends. An empty file is a fault,
// and not as if the setting were not set: see ownEnviron.
func (l *loader) setFromFile(s *Setting, origin, path string) {
	if text, ok := readValue(path, origin, &l.faults); ok {
		l.set(s, origin, text)
	}
}

// set gives the setting a value, whatever gave it one before.
func (l *loader) set(s *Setting, origin string, texts ...string) {
	field := reflect.ValueOf(&l.config).Elem().Field(s.index)
	field.SetZero()
	if err := setValue(field, texts); err != nil {
		l.faults.Add(origin, "%v", err)
		return
	}
	l.origin[s.Name] = origin
	if allowed := strings.Fields(s.tag.Get("oneof")); len(allowed) > 0 && !slices.Contains(allowed, field.String()) {
		l.faults.Add(origin, "%q is not among its values: write one of %s", field.String(), strings.Join(allowed, ", "))
	}
	if d, ok := field.Interface().(storage.Duration); ok && d == 0 && s.tag.Get("mayzero") == "" {
		l.faults.Add(origin, "must be more than nothing: write, for example, %s", s.tag.Get("default"))
	}
}

// defaults fills the settings that no source has set.
func (l *loader) defaults() {
	for _, s := range All() {
		val, ok := s.tag.Lookup("production")
		if !ok || !l.config.Production() {
			val, ok = s.tag.Lookup("default")
		}
		if ok && l.origin[s.Name] == "" {
			if err := setValue(reflect.ValueOf(&l.config).Elem().Field(s.index), []string{val}); err != nil {
				panic(fmt.Sprintf("default of %s: %v", s.Name, err))
			}
		}
	}
}

// setValue reads texts into a field of any of the kinds that Config has.
func setValue(field reflect.Value, texts []string) error {
	if field.Kind() == reflect.Slice {
		for _, text := range texts {
			for part := range strings.SplitSeq(text, ",") {
				el := reflect.New(field.Type().Elem()).Elem()
				if err := setValue(el, []string{strings.TrimSpace(part)}); err != nil {
					return err
				}
				field.Set(reflect.Append(field, el))
			}
		}
		return nil
	}
	// Secrets may be lists in files; they are one text elsewhere.
	text := strings.Join(texts, ",")
	if u, ok := field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Pointer:
		field.Set(reflect.New(field.Type().Elem()))
		return setValue(field.Elem(), texts)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a number: write only digits", text)
		}
		field.SetInt(int64(n))
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q: write true or false", text)
		}
		field.SetBool(text == "true")
	default:
		panic("a kind of setting that nobody reads: " + field.Type().String())
	}
	return nil
}

// Printed returns the value of the setting as a file would have it. Secrets are hidden.
func (c *Config) Printed(s *Setting) string {
	switch v := reflect.ValueOf(c).Elem().Field(s.index).Interface().(type) {
	case storage.Duration:
		return short(time.Duration(v))
	case []Network:
		var all []string
		for _, p := range v {
			all = append(all, p.String())
		}
		return strings.Join(all, ",")
	case []string:
		return strings.Join(v, ",")
	case *bool:
		return strconv.FormatBool(v != nil && *v)
	default:
		return fmt.Sprint(v)
	}
}

// isFile reports whether there is a regular file at the path.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
