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
)

// reserved holds the locks of the ports that this process was given, until it ends.
var reserved struct {
	sync.Mutex
	locks []*os.File
}

// FreePort is a port at which nothing listens. It is none of those that the system gives to
// connections, and no other test gets it while this process runs: a server that is stopped
// finds it free when it starts again.
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

func isFree(port int) bool {
	l, err := net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(port))
	return err == nil && l.Close() == nil
}
