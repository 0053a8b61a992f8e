package testdaemon

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// reserved holds the locks of this process's ports until it ends.
var reserved struct {
	sync.Mutex
	locks []*os.File
}

// FreePort returns a port at which no program listens. The system does not use such ports for
// outgoing connections, and no other test process gets this one while this process runs. A server
// that is stopped can therefore listen at it again.
func FreePort() (int, error) {
	folder := filepath.Join(os.TempDir(), "vouchsafe-test-ports")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return 0, err
	}
	for range 100 {
		port := 10000 + rand.IntN(20000)
		lock, err := os.OpenFile(filepath.Join(folder, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return 0, err
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && isFree(port) {
			reserved.Lock()
			defer reserved.Unlock()
			reserved.locks = append(reserved.locks, lock)
			return port, nil
		}
		if err := lock.Close(); err != nil {
			return 0, err
		}
	}
	return 0, errors.New("no port is free between 10000 and 30000")
}

// isFree reports whether the port can be listened at.
func isFree(port int) bool {
	l, err := net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(port))
	return err == nil && l.Close() == nil
}

// Listening returns a Daemon's Ready: it returns nil when something listens at the address.
func Listening(address string) func() error {
	return func() error {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}
