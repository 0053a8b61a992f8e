package settings

import (
	"fmt"
	"strings"
)

// Sample returns a vouchsafe.yaml that explains every setting and sets none.
func Sample() string {
	var b strings.Builder
	b.WriteString(`# Settings of Vouchsafe. Nothing is set here: each line shows the default, or an example
# where there is none. Each setting can also come from the environment (VOUCHSAFE_LISTEN),
# and all but the secret ones from a flag (--listen). The environment overrides this file,
# and flags override both. Secrets can come from files: secret_file here,
# VOUCHSAFE_SECRET_FILE in the environment.
#
# Made by: vouchsafe config --sample
`)
	for _, s := range All() {
		b.WriteString("\n")
		for _, line := range s.DocLines(85) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		val := s.Default()
		if val == "" {
			val = s.tag.Get("sample")
		}
		if p := s.ProductionDefault(); p != "" {
			fmt.Fprintf(&b, "# In production: %s.\n", p)
		}
		fmt.Fprintf(&b, "#%s: %s\n", s.Name, val)
	}
	return b.String()
}
