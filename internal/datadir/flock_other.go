//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package datadir

import (
	"errors"
	"os"
)

// flock has no locks here.
func flock(*os.File) error { return errors.ErrUnsupported }
