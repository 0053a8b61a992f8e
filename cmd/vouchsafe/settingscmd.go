package main

import (
	"fmt"
	"io"
	"strings"
)

type settingsCmd struct {
	Sample bool `help:"Print a vouchsafe.yaml that explains every setting."`
	jsonFlag
}

func (c *settingsCmd) Run(a *app) error {
	if c.Sample {
		_, err := io.WriteString(a.stdout, sampleSettings())
		return err
	}
	cfg, err := a.config()
	if err != nil {
		return err
	}
	if c.JSON {
		all := map[string]string{}
		for _, s := range settings {
			all[s.name] = cfg.printed(s)
		}
		return a.printJSON(all)
	}
	t := a.table("SETTING", "VALUE")
	for _, s := range settings {
		t.row(s.name, cfg.printed(s))
	}
	return t.flush()
}

// sampleSettings is a vouchsafe.yaml in which everything is explained and nothing set.
func sampleSettings() string {
	var b strings.Builder
	b.WriteString(`# Settings of Vouchsafe. Nothing is set here: each line shows the default, or an example
# where there is none. Each setting can also come from the environment (VOUCHSAFE_LISTEN),
# and all but the secret ones from a flag (--listen). The environment overrides this file,
# and flags override both. Secrets can come from files: secret_file here,
# VOUCHSAFE_SECRET_FILE in the environment.
#
# Made by: vouchsafe config --sample
`)
	for _, s := range settings {
		b.WriteString("\n")
		for _, line := range wrap(settingDocs[s.name], 85) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		val := s.tag.Get("default")
		if val == "" {
			val = s.tag.Get("sample")
		}
		if p := s.tag.Get("production"); p != "" {
			fmt.Fprintf(&b, "# In production: %s.\n", p)
		}
		fmt.Fprintf(&b, "#%s: %s\n", s.name, val)
	}
	return b.String()
}

// wrap breaks text into lines of at most width bytes.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
