//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package datadir

import (
	"errors"
	"os"
)

// flock returns errors.ErrUnsupported: this system has no file locks that Go knows.
func flock(*os.File) error { return errors.ErrUnsupported }
