package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/amphora-lb/amphora/internal/netns"
)

// labPrefix begins the name of everything that a lab makes; the id of the
// process that made it follows, so that a later lab knows what nobody owns.
const labPrefix = "amphora-lab-"

// link is the interface of every host.
const link = "eth0"

// Lab is a switch with hosts around it and a directory for their files.
type Lab struct {
	Dir    string
	net    *netns.Namespace // holds the switch
	hosts  []*Host
	filter filter  // of the switch
	busy   *group  // what BusyCPU starts; nil: no control groups here
	faults []Fault // that were injected and not healed
}

// Host is a network namespace with one interface, eth0, on the lab's switch, and
// a control group for what runs there.
type Host struct {
	Name string
	Addr netip.Addr

	lab       *Lab
	net       *netns.Namespace
	port      string // the switch's end of its cable
	linkGroup int    // of its port, or of what stands in for it
	group     *group // nil: no control groups here, for groupErr
	groupErr  error
}

// NewLab makes an empty lab, after removing what labs of crashed processes left
// behind. It needs root.
func NewLab() (*Lab, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("make lab: network namespaces need root")
	}
	if err := sweep(); err != nil {
		return nil, fmt.Errorf("remove what an earlier lab left: %w", err)
	}
	dir, err := os.MkdirTemp("", labPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, fmt.Errorf("make lab directory: %w", err)
	}
	l := &Lab{Dir: dir}
	if l.net, err = netns.NewNamed(l.name("switch")); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if err := l.net.Bridge("switch"); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	l.filter.run = l.net.Do
	l.busy, _ = newGroup(l.name("busy")) // without, the processes are known all the same
	return l, nil
}

func (l *Lab) name(host string) string {
	return filepath.Base(l.Dir) + "-" + host
}

// AddHost connects a host with that address to the switch.
func (l *Lab) AddHost(name string, addr netip.Prefix) (*Host, error) {
	ns, err := netns.NewNamed(l.name(name))
	if err != nil {
		return nil, err
	}
	h := &Host{Name: name, Addr: addr.Addr(), lab: l, net: ns}
	l.hosts = append(l.hosts, h)
	h.linkGroup = len(l.hosts)
	h.port = "port" + strconv.Itoa(h.linkGroup)
	h.group, h.groupErr = newGroup(l.name(name)) // Freeze needs it, and says so
	if err := netns.Veth(l.net, h.port, ns, link); err != nil {
		return nil, err
	}
	if err := l.setGroup(h.port, h.linkGroup); err != nil {
		return nil, err
	}
	if err := l.net.Attach(h.port, "switch"); err != nil {
		return nil, err
	}
	if err := ns.AddAddr(link, addr); err != nil {
		return nil, err
	}
	return h, errors.Join(l.net.Up(h.port), ns.Up(link))
}

// Close heals what is broken and removes the hosts, the switch and the directory.
// Processes and sockets in the hosts should have ended; processes are killed.
func (l *Lab) Close() error {
	errs := []error{l.HealAll(context.Background())}
	for _, h := range l.hosts {
		if h.group != nil {
			errs = append(errs, h.group.close())
		}
		errs = append(errs, h.net.Close())
	}
	if l.busy != nil {
		errs = append(errs, l.busy.close())
	}
	if l.net != nil {
		errs = append(errs, l.net.Close())
	}
	errs = append(errs, unmountBelow(l.Dir), os.RemoveAll(l.Dir))
	return errors.Join(errs...)
}

// Leftovers names what is still there of the lab: nothing, after a clean Close.
func (l *Lab) Leftovers() ([]string, error) {
	left, err := netns.Names(filepath.Base(l.Dir))
	if err != nil {
		return nil, err
	}
	groups, err := groupNames(filepath.Base(l.Dir))
	if err != nil {
		return nil, err
	}
	mounts, err := mountsBelow(l.Dir)
	if err != nil {
		return nil, err
	}
	left = slices.Concat(left, groups, mounts)
	if _, err := os.Stat(l.Dir); err == nil {
		left = append(left, l.Dir)
	}
	return left, nil
}

// sweep ends the processes and removes the namespaces and directories of labs
// whose own process is gone.
func sweep() error {
	names, err := netns.Names(labPrefix)
	if err != nil {
		return err
	}
	groups, err := groupNames(labPrefix)
	errs := []error{err}
	for _, dir := range groups {
		if !ownerLives(filepath.Base(dir)) {
			errs = append(errs, removeGroup(dir))
		}
	}
	for _, name := range names {
		if ownerLives(name) {
			continue
		}
		pids, err := netns.Processes(name)
		errs = append(errs, err)
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
				errs = append(errs, err)
			}
		}
		_, err = netns.RemoveAll(name)
		errs = append(errs, err)
	}
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), labPrefix+"*"))
	errs = append(errs, err)
	for _, dir := range dirs {
		if !ownerLives(filepath.Base(dir)) {
			errs = append(errs, unmountBelow(dir), os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}

// ownerLives reports whether the process that made the thing of that name still
// runs. A reused process id only delays the sweep.
func ownerLives(name string) bool {
	id, _, _ := strings.Cut(strings.TrimPrefix(name, labPrefix), "-")
	pid, err := strconv.Atoi(id)
	return err == nil && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// Listen opens a listening TCP socket on the host; it may be used from anywhere.
func (h *Host) Listen(port uint16) (net.Listener, error) {
	var ln net.Listener
	err := h.net.Do(func() (err error) {
		ln, err = net.Listen("tcp", netip.AddrPortFrom(h.Addr, port).String())
		return err
	})
	return ln, err
}

// Dial connects from the host to an address: it resolves no names.
func (h *Host) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var conn net.Conn
	err := h.net.Do(func() (err error) {
		var d net.Dialer
		conn, err = d.DialContext(ctx, network, addr)
		return err
	})
	return conn, err
}

// Carries reports whether the address is on the host's interface.
func (h *Host) Carries(addr netip.Addr) (bool, error) {
	nl := h.net.Netlink()
	eth, err := nl.LinkByName(link)
	if err != nil {
		return false, fmt.Errorf("find %s of %s: %w", link, h.Name, err)
	}
	for {
		addrs, err := nl.AddrList(eth, netlink.FAMILY_ALL)
		for _, a := range addrs {
			if got, ok := netip.AddrFromSlice(a.IP); ok && got.Unmap() == addr {
				return true, nil
			}
		}
		// Others came or went meanwhile: the list may lack some.
		if errors.Is(err, netlink.ErrDumpInterrupted) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("list addresses of %s: %w", h.Name, err)
		}
		return false, nil
	}
}

// until polls check until it returns nil, and gives its last error when ctx ends.
func until(ctx context.Context, check func() error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (gave up: %w)", err, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
