package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Namespace is one network namespace. Its methods may be called from any
// goroutine, but not together with Close.
type Namespace struct {
	name string // empty: no name under /run/netns
	nl   *netlink.Handle

	mu sync.RWMutex    // a transport of net/http may dial while the namespace is given up
	fd vnetns.NsHandle // guarded by mu
}

// New makes a namespace without a name. It lives until Close, or for as long as
// a process started in it. The loopback link is up.
func New() (*Namespace, error) {
	return create("", vnetns.New)
}

// NewNamed makes a namespace with a name under /run/netns, where RemoveAll finds
// it even after the program that made it has crashed. The loopback link is up.
func NewNamed(name string) (*Namespace, error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return nil, fmt.Errorf("create namespace %q: the name must be a plain file name", name)
	}
	n, err := create(name, func() (vnetns.NsHandle, error) { return vnetns.NewNamed(name) })
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%w: remove the leftover of an earlier run first", err)
	}
	return n, err
}

func create(name string, unshare func() (vnetns.NsHandle, error)) (*Namespace, error) {
	n := &Namespace{name: name}
	err := onThread(func() (err error) {
		n.fd, err = unshare()
		return err
	})
	if err != nil {
		if name != "" && !errors.Is(err, os.ErrExist) {
			_ = remove(name)
		}
		return nil, fmt.Errorf("create namespace %q: %w", name, err)
	}
	if n.nl, err = netlink.NewHandleAt(n.fd, unix.NETLINK_ROUTE); err != nil {
		return nil, errors.Join(fmt.Errorf("open netlink in namespace %q: %w", name, err), n.Close())
	}
	if err := n.Up("lo"); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// Name is the name under /run/netns, empty for a namespace without one.
func (n *Namespace) Name() string { return n.name }

// Netlink is a handle for the namespace, for what this package has no method
// for: neighbours, routes, statistics. Close closes it.
func (n *Namespace) Netlink() *netlink.Handle { return n.nl }

// Do runs fn in the namespace and waits for it. fn runs in another goroutine on
// a locked thread: sockets that it opens stay in the namespace for ever, but
// goroutines that it starts do not run there. fn must not call t.FailNow.
func (n *Namespace) Do(fn func() error) error {
	return onThread(func() error {
		if err := n.enter(); err != nil {
			return fmt.Errorf("enter namespace %q: %w", n.name, err)
		}
		return fn()
	})
}

// enter puts the calling thread into the namespace.
func (n *Namespace) enter() error {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if !n.fd.IsOpen() {
		return os.ErrClosed
	}
	return vnetns.Set(n.fd)
}

// Start starts cmd in the namespace, as cmd.Start does; the caller waits for it
// with cmd.Wait. /sys still shows the caller's links. SysProcAttr.Pdeathsig
// follows the starting thread, which may end before the program: it can arrive
// early and is refused.
func (n *Namespace) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr != nil && cmd.SysProcAttr.Pdeathsig != 0 {
		return fmt.Errorf("start %s in namespace %q: Pdeathsig is bound to a thread that does not last", cmd.Path, n.name)
	}
	return n.Do(cmd.Start)
}

// Sysctl writes a setting of the namespace, named by its path below
// /proc/sys/net: "ipv4/conf/eth0/arp_accept".
func (n *Namespace) Sysctl(key, value string) error {
	return n.Do(func() error {
		if err := os.WriteFile(filepath.Join("/proc/sys/net", key), []byte(value), 0o644); err != nil {
			return fmt.Errorf("set net/%s to %s in namespace %q: %w", key, value, n.name, err)
		}
		return nil
	})
}

// Close gives up the namespace and removes its name. The kernel destroys it,
// with every link inside, once no process and no socket is left in it. Close
// may be called again.
func (n *Namespace) Close() error {
	if n.nl != nil {
		n.nl.Close()
		n.nl = nil
	}
	var errs []error
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fd.IsOpen() {
		errs = append(errs, n.fd.Close())
		if n.name != "" {
			errs = append(errs, remove(n.name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close namespace %q: %w", n.name, err)
	}
	return nil
}
