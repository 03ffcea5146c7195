package chaos

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The lab's network. Documentation addresses (RFC 5737): nothing outside the
// lab can have them.
var (
	labNet   = netip.MustParsePrefix("192.0.2.0/24")
	clientIP = netip.MustParseAddr("192.0.2.2")
	nodeIPs  = map[string]netip.Addr{
		"amphora-1": netip.MustParseAddr("192.0.2.11"),
		"amphora-2": netip.MustParseAddr("192.0.2.12"),
		"witness":   netip.MustParseAddr("192.0.2.13"),
	}
	nodeNames = []string{"amphora-1", "amphora-2", "witness"}
	webIPs    = map[string]netip.Addr{
		"web-1": netip.MustParseAddr("192.0.2.21"),
		"web-2": netip.MustParseAddr("192.0.2.22"),
	}
	webNames = []string{"web-1", "web-2"}
)

// The nodes' ports.
const (
	raftPort   = 7480
	gossipPort = 7481
	apiPort    = 9876
)

// node is amphorad on a host of its own.
type node struct {
	name   string
	host   *Host
	dir    string // configuration, data and socket
	disk   *disk  // what its data is on; nil: on the lab's own
	daemon *process
}

func (n *node) socket() string { return filepath.Join(n.dir, "admin.sock") }
func (n *node) config() string { return filepath.Join(n.dir, "amphorad.toml") }
func (n *node) data() string   { return filepath.Join(n.dir, "data") }
func (n *node) amphora() bool  { return n.name != "witness" }
func (n *node) String() string { return n.name }
func (n *node) serving() bool  { return n.daemon != nil && n.daemon.running() }

// Cluster is a pair and a witness in a lab, with a client and two web servers.
type Cluster struct {
	cfg    ClusterConfig
	lab    *Lab
	nodes  []*node
	client *Host
	webs   []*webServer
}

// ClusterConfig says what kind of cluster a lab gets.
type ClusterConfig struct {
	Bin     string // directory that holds amphorad and amphoractl
	Profile string // of timers; empty: amphorad's default
	Disks   bool   // each node has a disk of its own, which can break
	API     bool   // each node has the REST API at its address, in the clear
}

// NewCluster is [NewClusterWith] of programs and nothing else.
func NewCluster(bin string) (*Cluster, error) {
	return NewClusterWith(ClusterConfig{Bin: bin})
}

// NewClusterWith builds the hosts, starts the web servers and writes the nodes'
// configuration, as an operator would after reading the README. No node runs
// yet.
func NewClusterWith(cfg ClusterConfig) (*Cluster, error) {
	lab, err := NewLab()
	if err != nil {
		return nil, err
	}
	c := &Cluster{cfg: cfg, lab: lab}
	if err := c.build(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) build() error {
	var err error
	if c.client, err = c.lab.AddHost("client", netip.PrefixFrom(clientIP, labNet.Bits())); err != nil {
		return err
	}
	for _, name := range webNames {
		host, err := c.lab.AddHost(name, netip.PrefixFrom(webIPs[name], labNet.Bits()))
		if err != nil {
			return err
		}
		web, err := startWeb(host)
		if err != nil {
			return err
		}
		c.webs = append(c.webs, web)
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	keyFile := filepath.Join(c.lab.Dir, "cluster.key")
	if err := os.WriteFile(keyFile, []byte(base64.StdEncoding.EncodeToString(key[:])), 0o600); err != nil {
		return fmt.Errorf("write cluster key: %w", err)
	}
	if c.cfg.Disks {
		if err := mountMemory(c.disks(), len(nodeNames)*diskSize); err != nil {
			return err
		}
	}
	for _, name := range nodeNames {
		host, err := c.lab.AddHost(name, netip.PrefixFrom(nodeIPs[name], labNet.Bits()))
		if err != nil {
			return err
		}
		n := &node{name: name, host: host, dir: filepath.Join(c.lab.Dir, name)}
		if err := os.Mkdir(n.dir, 0o700); err != nil {
			return fmt.Errorf("make directory of %s: %w", name, err)
		}
		c.nodes = append(c.nodes, n)
		if c.cfg.Disks {
			if n.disk, err = newDisk(filepath.Join(c.disks(), name), n.data()); err != nil {
				return err
			}
		}
		if err := os.WriteFile(n.config(), c.configuration(n, keyFile), 0o600); err != nil {
			return fmt.Errorf("write configuration of %s: %w", name, err)
		}
	}
	return nil
}

// disks is where the images of the nodes' disks are.
func (c *Cluster) disks() string { return filepath.Join(c.lab.Dir, "disks") }

func (c *Cluster) configuration(n *node, keyFile string) []byte {
	var b bytes.Buffer
	role := "amphora"
	if !n.amphora() {
		role = "witness"
	}
	fmt.Fprintf(&b, "name = %q\nrole = %q\ndata_dir = %q\n", n.name, role, n.data())
	fmt.Fprintf(&b, "[cluster]\nname = \"demo\"\nlisten = \"%s:%d\"\ngossip = \"%s:%d\"\nkey_file = %q\n", n.host.Addr, raftPort, n.host.Addr, gossipPort, keyFile)
	if c.cfg.Profile != "" {
		fmt.Fprintf(&b, "profile = %q\n", c.cfg.Profile)
	}
	var peers, voters []string
	for _, name := range nodeNames {
		voters = append(voters, fmt.Sprintf("%q", name))
		if name != n.name {
			peers = append(peers, fmt.Sprintf("\"%s:%d\"", nodeIPs[name], gossipPort))
		}
	}
	fmt.Fprintf(&b, "peers = [%s]\nvoters = [%s]\n", strings.Join(peers, ", "), strings.Join(voters, ", "))
	if n.amphora() {
		fmt.Fprintf(&b, "[vip]\ninterface = %q\n", link)
	}
	fmt.Fprintf(&b, "[admin]\nsocket = %q\n", n.socket())
	if c.cfg.API {
		fmt.Fprintf(&b, "[api]\nlisten = \"%s:%d\"\ninsecure = true\n", n.host.Addr, apiPort)
	}
	return b.Bytes()
}

// Start starts the nodes named, all when none is.
func (c *Cluster) Start(names ...string) error {
	for _, n := range c.selected(names) {
		p, err := c.lab.start(n.host, n.name, filepath.Join(c.cfg.Bin, "amphorad"), "run", "--config", n.config())
		if err != nil {
			return err
		}
		n.daemon = p
	}
	return nil
}

// Kill ends the nodes named with SIGKILL, all when none is.
func (c *Cluster) Kill(names ...string) error {
	var errs []error
	for _, n := range c.selected(names) {
		if !n.serving() {
			errs = append(errs, fmt.Errorf("kill %s: it had already ended: %s", n, n.daemon.cmd.ProcessState))
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		errs = append(errs, n.killAll(ctx))
		cancel()
	}
	return errors.Join(errs...)
}

// Stop ends the nodes named as an operator would, all when none is.
func (c *Cluster) Stop(names ...string) error {
	var errs []error
	for _, n := range c.selected(names) {
		if n.serving() {
			errs = append(errs, n.daemon.stop(stopLimit))
		}
	}
	return errors.Join(errs...)
}

func (c *Cluster) selected(names []string) []*node {
	if len(names) == 0 {
		return c.nodes
	}
	var nodes []*node
	for _, name := range names {
		nodes = append(nodes, c.node(name))
	}
	return nodes
}

// node finds a node; a name that there is not is a mistake in the scenario.
func (c *Cluster) node(name string) *node {
	for _, n := range c.nodes {
		if n.name == name {
			return n
		}
	}
	panic("chaos: there is no node " + name)
}

// Close ends everything and removes the lab.
func (c *Cluster) Close() error {
	err := c.lab.HealAll(context.Background()) // what is frozen does not stop
	err = errors.Join(err, c.Stop())
	for _, w := range c.webs {
		err = errors.Join(err, w.stop())
	}
	return errors.Join(err, c.lab.Close())
}

// Ctl runs amphoractl against a node and returns what it printed.
func (c *Cluster) Ctl(ctx context.Context, node string, args ...string) (string, error) {
	return c.CtlWith(ctx, node, "", args...)
}

// CtlWith is Ctl with something to read.
func (c *Cluster) CtlWith(ctx context.Context, node, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.cfg.Bin, "amphoractl"), args...)
	cmd.Env = append(os.Environ(), "AMPHORA_SOCKET=unix://"+c.node(node).socket())
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("amphoractl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// Carriers names the hosts whose interface has the address, also of nodes that
// do not run: a killed node leaves it behind.
func (c *Cluster) Carriers(addr netip.Addr) ([]string, error) {
	var names []string
	for _, n := range c.nodes {
		carries, err := n.host.Carries(addr)
		if err != nil {
			return nil, err
		}
		if carries {
			names = append(names, n.name)
		}
	}
	return names, nil
}

// logs returns the end of every node's log, for a failure's report.
func (c *Cluster) logs() string {
	var b strings.Builder
	for _, n := range c.nodes {
		text, err := os.ReadFile(filepath.Join(c.lab.Dir, n.name+".log"))
		if err != nil {
			continue // it never started
		}
		const end = 4000
		fmt.Fprintf(&b, "--- %s\n%s\n", n.name, text[max(0, len(text)-end):])
	}
	return b.String()
}
