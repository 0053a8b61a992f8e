package listeners

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Open listens on an address such as :8080 or unix:/run/vouchsafe.sock. For localhost it listens on
// 127.0.0.1 and on ::1, because programs differ in which they try. A Unix socket gets the file
// mode.
func Open(addr string, mode fs.FileMode) ([]net.Listener, error) {
	if path, ok := SocketPath(addr); ok {
		l, err := OpenUnix(path, mode)
		if err != nil {
			return nil, listenError(addr, err)
		}
		return []net.Listener{l}, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if host != "localhost" {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, listenError(addr, err)
		}
		return []net.Listener{l}, nil
	}
	four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, listenError(addr, err)
	}
	// the port may have been 0, which stands for any free one
	_, port, err = net.SplitHostPort(four.Addr().String())
	if err != nil {
		return nil, errors.Join(err, four.Close())
	}
	six, err := net.Listen("tcp6", net.JoinHostPort("::1", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, errors.Join(listenError(addr, err), four.Close())
	}
	if err == nil {
		return []net.Listener{four, six}, nil
	}
	return []net.Listener{four}, nil // the machine has no IPv6
}

// listenError adds to an error of net.Listen what the operator can do about it.
func listenError(addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("something else listens on %s: stop it, or choose another address with --listen or "+
			"VOUCHSAFE_LISTEN: %w", addr, err)
	}
	return fmt.Errorf("listen: %w", err)
}

// SocketPath returns the path of a Unix socket from an address of the form unix:PATH.
func SocketPath(addr string) (path string, ok bool) { return strings.CutPrefix(addr, "unix:") }

// unixSocket is a Unix socket with the name that clients know.
type unixSocket struct {
	*net.UnixListener
	path string
	file fs.FileInfo
}

// OpenUnix opens a Unix socket with the file mode. It replaces a socket that a process has left
// behind, and returns EADDRINUSE if a process still answers at it.
func OpenUnix(path string, mode fs.FileMode) (net.Listener, error) {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("%s already exists and is not a socket", path)
	default:
		if c, err := net.Dial("unix", path); err == nil {
			_ = c.Close() // only the answer mattered
			return nil, syscall.EADDRINUSE
		}
	}
	// Until the socket has its mode, it has a name that no client knows.
	hidden := path + "." + strconv.Itoa(os.Getpid())
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: hidden, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	s := &unixSocket{UnixListener: l, path: path}
	if err = os.Chmod(hidden, mode); err == nil {
		err = os.Rename(hidden, path)
	}
	if err == nil {
		s.file, err = os.Lstat(path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close(), os.RemoveAll(hidden))
	}
	return s, nil
}

// Addr implements net.Listener.
func (s *unixSocket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

// Close implements net.Listener. It removes the name, unless it belongs to another process by now.
func (s *unixSocket) Close() error {
	if info, err := os.Lstat(s.path); err == nil && os.SameFile(info, s.file) {
		_ = os.Remove(s.path) // the next start finds that nothing answers there
	}
	return s.UnixListener.Close()
}

// Mode is the permission of a Unix socket.
type Mode fs.FileMode

// UnmarshalText reads octal digits, such as 0660.
func (m *Mode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 16)
	if err != nil || n > 0o777 || n&0o600 != 0o600 {
		return fmt.Errorf("%q is not a mode of a socket: write octal digits such as 0660, with which its "+
			"owner may read and write", text)
	}
	*m = Mode(n)
	return nil
}

// String returns octal digits, as chmod takes them.
func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }
