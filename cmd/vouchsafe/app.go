package main

import (
	"io"

	"github.com/alecthomas/kong"

	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// version is set by the linker: see scripts/build.
var version = "development"

// app is what commands share: where they read, write and find their settings.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	flags          map[string]string // settings given as flags, by their names
	configFile     string
	read           *settings.Config // nil until config has read them
	parser         *kong.Kong       // for completion and help
	named          bool             // whether the user knows which database the command works on
}

// tenantFlag names the tenant that a command is about.
type tenantFlag struct {
	Tenant string `help:"The tenant to act on." default:"default" placeholder:"ID" complete:"tenant"`
}

// jsonFlag is of every command that prints something a script may read.
type jsonFlag struct {
	JSON bool `name:"json" help:"Print JSON, for scripts."`
}

// pageFlags choose a part of a list. Lists are printed while they are read, so that a long list needs no
// more memory than a short one.
type pageFlags struct {
	Limit int    `help:"Print at most this many." placeholder:"N"`
	After string `help:"Begin after this id, such as the last one printed." placeholder:"ID"`
}
