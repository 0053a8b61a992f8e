package settings

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/golden"
)

// TestSettingsPage compares docs/settings.md with the settings.
func TestSettingsPage(t *testing.T) {
	t.Parallel()
	golden.Check(t, "../../docs/settings.md", func(string) string { return settingsPage() })
}

// settingsPage returns docs/settings.md.
func settingsPage() string {
	var b strings.Builder
	b.WriteString(`# Settings

Without any settings, ` + "`vouchsafe serve`" + ` is a working server on localhost.

The setting ` + "`listen`" + ` in ` + "`vouchsafe.yaml`" + ` is ` + "`VOUCHSAFE_LISTEN`" + ` in the environment and ` + "`--listen`" + `
as a flag. Flags override the environment, and the environment overrides the file.
` + "`vouchsafe config`" + ` shows the settings in force; ` + "`vouchsafe config --sample`" + ` prints a file to
begin with.

Settings marked * are secret and have no flag. Add ` + "`_file`" + ` (` + "`_FILE`" + `) to the name to give the path
of a file with the secret: ` + "`VOUCHSAFE_DATABASE_URL_FILE`" + `. In the environment that works for all settings that
are not paths themselves.

A list is separated by commas, or is a list in YAML. Durations are written 90s, 15m, 720h. The
server refuses to start with misspelt or invalid settings, and reports all of them together.
It also refuses any other variable that begins with ` + "`VOUCHSAFE_`" + `, except those that Kubernetes
and Docker set for a Service or container of that name, such as ` + "`VOUCHSAFE_SERVICE_HOST`" + `.

| setting | default | |
|---|---|---|
`)
	for _, s := range All() {
		name, val := "`"+s.Name+"`", s.Default()
		if s.Secret {
			name += " *"
		}
		if val != "" {
			val = "`" + val + "`"
		}
		if p := s.ProductionDefault(); p != "" {
			val += ", in production `" + p + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, val, strings.ReplaceAll(s.Doc(), "|", `\|`))
	}
	b.WriteString(dotenvSection)
	return b.String()
}

const dotenvSection = `
## .env

A server in development (see ` + "`development`" + `) reads ` + "`.env`" + ` in its working directory. It takes the variables
of Vouchsafe from it, and those of [Keratin AuthN](keratin.md) and [backend-auth](backend-auth.md) if they are switched
on. Other variables, and those that say to a command who it is (` + "`VOUCHSAFE_TOKEN`" + `), aren't read. Variables of the
process override the file, even if they are empty; ` + "`NAME_FILE`" + ` overrides ` + "`NAME`" + ` as well. The file overrides
` + "`vouchsafe.yaml`" + `.

A server that isn't in development ignores the file, so that one that was left behind can't change a server that users
depend on. For the same reason the file can't end development: with ` + "`VOUCHSAFE_DATABASE_URL`" + ` or a public
` + "`VOUCHSAFE_ISSUER`" + ` in it, nothing starts. In production let Docker Compose (` + "`env_file`" + `) or systemd
(` + "`EnvironmentFile`" + `) give the variables to the process.

` + "```env" + `
# a comment
VOUCHSAFE_LOG_LEVEL=debug
export VOUCHSAFE_MAIL_FROM='Example <no-reply@example.com>'   # single quotes: as it is
VOUCHSAFE_LIMIT_CODES="10/1h"   # double quotes: \n, \", \\ and \$ are escapes
` + "```" + `

Programs read such files in different ways. Where a value of ours could be read in two ways, the server refuses it with
the line: ` + "`$NAME`" + ` outside single quotes, ` + "`#`" + ` within a value without quotes, quotes in the middle of a value, and
a variable that is set twice.
`
