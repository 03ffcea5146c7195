package gate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Where gates are kept: /root/<inode of the network namespace>/<interface>/.
const (
	bpffs   = "/sys/fs/bpf"
	bpfRoot = bpffs + "/amphora"
	nftRoot = "/run/amphora/gate"
)

// ErrBusy says that a living process has the gate.
var ErrBusy = errors.New("another process has the gate: stop it first")

// dirOf is the directory of the interface's gate below root, in the network
// namespace of the calling thread. bpffs keeps names with a dot to itself, and no
// interface has a colon in its name.
func dirOf(root, iface string) (string, error) {
	if err := validName(iface); err != nil {
		return "", err
	}
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		return "", fmt.Errorf("find own network namespace: %w", err)
	}
	return filepath.Join(root, strconv.FormatUint(st.Ino, 10), strings.ReplaceAll(iface, ".", ":")), nil
}

// ifaceOf is the interface whose gate is kept in dir.
func ifaceOf(dir string) string { return strings.ReplaceAll(filepath.Base(dir), ":", ".") }

// netnsCookie identifies the network namespace of the calling thread until the
// machine restarts; inodes are used again.
func netnsCookie() (uint64, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("open socket: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0, fmt.Errorf("read cookie of the network namespace: %w", err)
	}
	return cookie, nil
}

// mountBPF mounts the BPF file system where it is missing. The lock keeps two
// processes that start together from mounting one over the other.
func mountBPF() error {
	isMounted := func() bool {
		var st unix.Statfs_t
		return unix.Statfs(bpffs, &st) == nil && uint32(st.Type) == unix.BPF_FS_MAGIC
	}
	if isMounted() {
		return nil
	}
	dir, err := os.Open(bpffs)
	if err != nil {
		return fmt.Errorf("mount bpffs: %w", err)
	}
	defer dir.Close()
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("mount bpffs: lock %s: %w", bpffs, err)
	}
	if isMounted() {
		return nil
	}
	if err := unix.Mount("bpf", bpffs, "bpf", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0700"); err != nil {
		return fmt.Errorf("mount bpffs on %s: %w", bpffs, err)
	}
	return nil
}

// lockDir makes the directory and locks it for as long as the file is open. The
// kernel unlocks it when the process dies.
func lockDir(dir string) (*os.File, error) {
	for {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("create directory of the gate: %w", err)
		}
		f, err := lockExisting(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue // Remove, or a sweep, was faster
		}
		return f, err
	}
}

// lockExisting locks a directory that exists; an error wraps fs.ErrNotExist if it
// does not, and ErrBusy if it is locked.
func lockExisting(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open directory of the gate: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrBusy
	}
	// It may have been removed, and made again, before it was locked.
	var locked, named unix.Stat_t
	if err == nil {
		err = errors.Join(unix.Fstat(int(f.Fd()), &locked), unix.Stat(dir, &named))
	}
	if err == nil && locked.Ino != named.Ino {
		err = fs.ErrNotExist
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return f, nil
}

// removeDir removes the directory of a gate and those above it up to root that are
// empty then.
func removeDir(root, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove %s: %w", dir, err)
	}
	up := filepath.Dir(dir)
	for strings.HasPrefix(up, root) && os.Remove(up) == nil { // not while others are in it
		up = filepath.Dir(up)
	}
	return nil
}
