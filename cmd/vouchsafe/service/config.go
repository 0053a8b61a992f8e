package service

import (
	"io"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/command"
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// ConfigCmd prints the settings in force.
type ConfigCmd struct {
	Sample bool `help:"Print a sample vouchsafe.yaml that explains every setting."`
	command.JSONFlag
}

// Run prints the name and the value of each setting, of flags, environment, file and defaults together. Secrets are
// hidden.
func (c *ConfigCmd) Run(a *command.App) error {
	if c.Sample {
		_, err := io.WriteString(a.Out, settings.Sample())
		return err
	}
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	if c.JSON {
		all := map[string]string{}
		for _, s := range settings.All() {
			all[s.Name] = cfg.Printed(s)
		}
		return a.PrintJSON(all)
	}
	t := a.Table("SETTING", "VALUE")
	for _, s := range settings.All() {
		t.Row(s.Name, cfg.Printed(s))
	}
	return t.Flush()
}
