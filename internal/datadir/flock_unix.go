//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package datadir

import (
	"errors"
	"os"
	"syscall"
)

// flock locks the file until it is closed or the process ends. It returns errLocked if another
// process has the lock. On NFS the server keeps the lock, so that processes on other machines are
// held off as well.
func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK), errors.Is(err, syscall.EACCES): // the latter from NFS
			return errLocked
		}
		return os.NewSyscallError("flock", err)
	}
}
