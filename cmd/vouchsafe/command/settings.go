package command

import (
	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// Config reads the settings, once for a command.
func (a *App) Config() (*settings.Config, error) {
	if a.read != nil {
		return a.read, nil
	}
	cfg, err := settings.Load(a.Flags, a.ConfigFile, a.Environ)
	if err == nil {
		a.read = cfg
	}
	return cfg, err
}
