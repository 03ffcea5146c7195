package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// What judges need to look at a lab from outside.

// VIPRange encloses the addresses that [Cluster.Balance] lets VIPs have.
var VIPRange = [2]netip.Addr{netip.MustParseAddr("192.0.2.100"), netip.MustParseAddr("192.0.2.199")}

// Nodes names the nodes: two amphorae and a witness.
func (c *Cluster) Nodes() []string { return slices.Clone(nodeNames) }

// Amphora reports whether a node may hold VIPs.
func (c *Cluster) Amphora(node string) bool { return c.node(node).amphora() }

// Runs reports whether the process that was started for a node still runs.
func (c *Cluster) Runs(node string) bool { return c.node(node).serving() }

// Socket is where a node's admin API listens.
func (c *Cluster) Socket(node string) string { return c.node(node).socket() }

// Logs returns the end of every node's log.
func (c *Cluster) Logs() string { return c.logs() }

// Measure asks url over a new connection every 5 ms until ctx ends, whether or not
// earlier requests have been answered, and returns when all have ended.
func (h *Host) Measure(ctx context.Context, url string) History { return newClient(h).probe(ctx, url) }

// Interface describes the host's link.
func (h *Host) Interface() (*net.Interface, error) { return h.net.Interface(link) }

// Netns is the inode of the host's network namespace.
func (h *Host) Netns() (uint64, error) {
	var st unix.Stat_t
	err := h.net.Do(func() error { return unix.Stat("/proc/thread-self/ns/net", &st) })
	if err != nil {
		return 0, fmt.Errorf("find network namespace of %s: %w", h.Name, err)
	}
	return st.Ino, nil
}

// Output runs a program in the host's namespace and returns what it printed. It
// is not part of what [Freeze] freezes and [Cluster.KillNode] kills: it is how an
// onlooker looks.
func (h *Host) Output(ctx context.Context, argv ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := h.net.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return stdout.Bytes(), fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.Bytes(), nil
}

// Do runs fn in the switch's namespace.
func (l *Lab) Do(fn func() error) error { return l.net.Do(fn) }

// Ports are the switch's ends of the cables of these hosts, by index of the link,
// with the hosts' names. They stay when a relay takes their place at the switch.
func (l *Lab) Ports(hosts ...*Host) (map[int]string, error) {
	ports := map[int]string{}
	for _, h := range hosts {
		port, err := l.net.Interface(h.port)
		if err != nil {
			return nil, err
		}
		ports[port.Index] = h.Name
	}
	return ports, nil
}

// SaveLogs copies the nodes' logs into a directory.
func (c *Cluster) SaveLogs(dir string) error {
	logs, err := filepath.Glob(filepath.Join(c.lab.Dir, "*.log"))
	errs := []error{err}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o644)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Traces lists what there is in the kernel of a node: addresses, tables of the
// packet filter, pinned BPF objects and processes. Compared with what there was
// before the start, it shows what a stopped node has left behind.
func (c *Cluster) Traces(node string) ([]string, error) {
	h := c.node(node).host
	var traces []string
	addrs, err := h.net.Netlink().AddrList(nil, netlink.FAMILY_ALL)
	errs := []error{err}
	for _, a := range addrs {
		if !a.IP.IsLinkLocalUnicast() { // comes and goes with the link
			traces = append(traces, "address "+a.IPNet.String())
		}
	}
	errs = append(errs, h.net.Do(func() error {
		conn, err := nftables.New()
		if err != nil {
			return err
		}
		tables, err := conn.ListTables()
		for _, t := range tables {
			traces = append(traces, "nftables table "+t.Name)
		}
		return err
	}))
	netns, err := h.Netns()
	errs = append(errs, err)
	pins, err := filepath.Glob(fmt.Sprintf("/sys/fs/bpf/amphora/%d/*", netns))
	errs = append(errs, err)
	for _, pin := range pins {
		traces = append(traces, "pinned gate of "+filepath.Base(pin))
	}
	if h.group != nil {
		pids, err := h.group.pids()
		for _, pid := range pids {
			traces = append(traces, fmt.Sprintf("process %d", pid))
		}
		errs = append(errs, err)
	}
	slices.Sort(traces)
	return traces, errors.Join(errs...)
}

// ReleaseVIP does what systemd does after a node has ended: it runs amphorad
// release-vip in its place.
func (c *Cluster) ReleaseVIP(ctx context.Context, node string) error {
	n := c.node(node)
	_, err := n.host.Output(ctx, filepath.Join(c.cfg.Bin, "amphorad"), "release-vip", "--interface", link)
	return err
}

// Gate returns what amphorad tells of the gate of a node, whether the node runs or
// not, as JSON.
func (c *Cluster) Gate(ctx context.Context, node string) ([]byte, error) {
	return c.node(node).host.Output(ctx, filepath.Join(c.cfg.Bin, "amphorad"), "gate", "--json", "--interface", link)
}
