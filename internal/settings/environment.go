package settings

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/declare"
)

// ownEnviron returns the variables that are meant for this program, without those that orchestrators
// set by themselves.
func (l *loader) ownEnviron(environ []string) map[string]string {
	env := map[string]string{}
	database := Named("database_url").Env()
	for _, e := range environ {
		name, val, _ := strings.Cut(e, "=")
		switch upper := strings.ToUpper(name); {
		case !strings.HasPrefix(upper, EnvPrefix):
		case upper != name:
			if isSettingVariable(upper) {
				l.faults.Add(name, "is not a setting: names are in capitals, write %s", upper)
			}
		// Docker Compose and its like hand over what is not set as empty.
		case val == "" && (name == database || name == database+"_FILE"):
			// It was meant to hold something: an embedded server in its place would print
			// the first administrator's link, for an empty database.
			l.faults.Add(name, "is empty: write the PostgreSQL URL, or unset it for an embedded server")
		case val != "" && !injected(name, val):
			env[name] = val
		}
	}
	return env
}

// injected reports whether an orchestrator sets the variable by itself: Kubernetes does for each
// Service whose name is vouchsafe, or begins with vouchsafe-, and Docker for each link to such a
// container. What an operator would write to say the port (VOUCHSAFE_PORT=8080) is not among it.
func injected(name, val string) bool {
	name = strings.TrimPrefix(name, EnvPrefix)
	return injectedName.MatchString(name) || injectedPort.MatchString(name) && injectedURL.MatchString(val) ||
		name == "NAME" && strings.HasPrefix(val, "/")
}

var (
	injectedName = regexp.MustCompile(
		`^(ENV_.+|([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR|START|END))*))$`)
	injectedPort = regexp.MustCompile(`^([A-Z0-9_]+_)?PORT$`)
	injectedURL  = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

// isSettingVariable reports whether a setting has the variable, or its value may be in a file that the variable names.
func isSettingVariable(name string) bool {
	return slices.ContainsFunc(All(), func(s *Setting) bool {
		return name == s.Env() || s.FromFile() && name == s.Env()+"_FILE"
	})
}

// readEnv takes the settings from the environment, and refuses what is none: a misspelt
// setting that is ignored is found out by what it does not protect.
func (l *loader) readEnv(env map[string]string) {
	for _, s := range All() {
		name := s.Env()
		val, ok := env[name]
		if path := env[name+"_FILE"]; s.FromFile() && path != "" && ok {
			l.faults.Add(name, "and %s_FILE are both set: unset one", name)
		} else if s.FromFile() && path != "" {
			l.setFromFile(s, name+"_FILE", path)
		}
		if ok {
			l.set(s, name, val)
		}
	}
	for name := range env {
		if name != EnvPrefix+"CONFIG" && !isSettingVariable(name) && !IsCommandVariable(name) {
			spelt := func(setting string) string { return EnvPrefix + strings.ToUpper(setting) }
			l.faults.Add(name, "is not a setting%s", suggested(strings.ToLower(strings.TrimPrefix(name, EnvPrefix)), spelt))
		}
	}
}

// suggested says what to write in place of a setting that there is not, in the spelling of its
// source.
func suggested(name string, spelt func(setting string) string) string {
	if of, ok := strings.CutSuffix(name, "_file"); ok {
		switch s := Named(of); {
		case s != nil && !s.FromFile():
			return ": " + of + " names a file or folder itself. Write " + spelt(of)
		case s != nil: // only in a file of settings
			return ": " + of + " is not secret, and only secrets are read from files here. Write " + spelt(of)
		}
		if of == "config" {
			return ": the file is named by " + EnvPrefix + "CONFIG or --config"
		}
	}
	var spellings []string
	for _, s := range All() {
		spellings = append(spellings, spelt(s.Name))
		if s.FromFile() {
			spellings = append(spellings, spelt(s.Name+"_file"))
		}
	}
	if hint := declare.Suggest(spelt(name), spellings); hint != "" {
		return hint
	}
	best := otherNames[name]
	if best == "" {
		best = alike(name)
	}
	if best == "" {
		return ", and none is similar: vouchsafe config --sample lists them"
	}
	return ": did you mean " + spelt(best) + "?"
}

// otherNames are what other products call a setting.
var otherNames = map[string]string{
	"port": "listen", "host": "listen", "addr": "listen", "address": "listen", "bind": "listen", "http_port": "listen",
	"server_port": "listen",
	"url":         "issuer", "base_url": "issuer", "public_url": "issuer", "external_url": "issuer", "domain": "issuer",
	"hostname": "issuer", "origin": "issuer",
	"db": "database_url", "db_url": "database_url", "dsn": "database_url", "postgres_url": "database_url",
	"postgres_dsn": "database_url",
	"from":         "mail_from", "email_from": "mail_from", "smtp_from": "mail_from", "smtp_sender": "mail_from",
	"debug": "log_level", "verbose": "log_level",
	"proxies": "trusted_proxies", "ca_file": "extra_ca_file", "ca_cert": "extra_ca_file",
}

// alike returns the setting that shares the most words with a name, and has the fewest others.
func alike(name string) string {
	words := strings.Split(name, "_")
	best, most := "", 0
	for _, s := range All() {
		score := 0
		for _, w := range strings.Split(s.Name, "_") {
			switch {
			case !slices.Contains(words, w):
				score--
			case slices.Contains(commonWords, w):
				score++
			default:
				score += 10
			}
		}
		if score > most {
			best, most = s.Name, score
		}
	}
	return best
}

// commonWords tell little of what a setting is about.
var commonWords = []string{"url", "file", "id", "of", "min", "length", "from", "address", "lifetime", "user", "name"}

// ofCommands are the variables that say to a server whose doing a command is (--server). The server itself does not
// read them. Of the last two, NAME_FILE names a file with the value.
var ofCommands = []string{"CLIENT_ID", "CLIENT_SECRET", "TOKEN"}

// IsCommandVariable reports whether a variable is one of ofCommands.
func IsCommandVariable(name string) bool {
	name = strings.TrimPrefix(name, EnvPrefix)
	return slices.Contains(ofCommands, name) ||
		slices.Contains(ofCommands[1:], strings.TrimSuffix(name, "_FILE")) && strings.HasSuffix(name, "_FILE")
}

// CommandVariable returns the value of a variable of commands, such as TOKEN: that of VOUCHSAFE_TOKEN, or what is in
// the file that VOUCHSAFE_TOKEN_FILE names; "" for neither.
func CommandVariable(environ []string, name string) (string, error) {
	value, file := "", ""
	for _, e := range environ {
		switch is, text, _ := strings.Cut(e, "="); is {
		case EnvPrefix + name:
			value = text
		case EnvPrefix + name + "_FILE":
			file = text
		}
	}
	switch {
	case file == "":
		return value, nil
	case value != "":
		return "", fmt.Errorf("%s%s and %s%s_FILE are both set: unset one", EnvPrefix, name, EnvPrefix, name)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s%s_FILE: %w", EnvPrefix, name, err)
	}
	if value = strings.TrimSpace(string(text)); value == "" {
		return "", fmt.Errorf("%s%s_FILE: %s is empty", EnvPrefix, name, file)
	}
	return value, nil
}
