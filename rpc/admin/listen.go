package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// SocketMode is the mode of the admin socket: who may write to it administers
// the node.
const SocketMode = 0o660

// Listen listens on a unix socket at path, with mode [SocketMode], making its
// folder when missing. A socket that an ended process left behind is removed;
// one that is answered, and any other kind of file, is left alone and is an
// error.
func Listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make folder for the admin socket: %w", err)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	ln, err := listenPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("listen on the admin socket: %w", err)
	}
	return ln, nil
}

// listenPrivate makes the socket under a name of its own, in a folder that only
// this user can enter, and moves it to path once its mode is right: it can
// never be reached with a wider one, whatever the umask.
func listenPrivate(path string) (_ net.Listener, err error) {
	private, err := os.MkdirTemp(filepath.Dir(path), ".sock")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(private) }() // empty by then; harmless if it stays
	made := filepath.Join(private, "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(made, SocketMode), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return &socket{UnixListener: ln, path: path}, nil
}

// removeStale removes the socket at path if nobody answers on it.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at the admin socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("admin socket %s: there is something that is not a socket; remove it or configure another path", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		conn.Close()
		return fmt.Errorf("admin socket %s: another amphorad answers on it; stop that one or configure another path", path)
	case errors.Is(err, syscall.ECONNREFUSED): // nobody listens: left behind
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove stale admin socket: %w", err)
		}
		return nil
	}
	return fmt.Errorf("ask who owns admin socket: %w", err)
}

// socket removes its file when it is closed.
type socket struct {
	*net.UnixListener
	path string
}

// Addr is the path that clients connect to.
func (s *socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

// Close removes the file and stops listening.
func (s *socket) Close() error {
	if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, s.UnixListener.Close())
	}
	return s.UnixListener.Close()
}
