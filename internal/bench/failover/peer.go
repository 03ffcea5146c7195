package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/amphora-lb/amphora/chaos"
)

// peerPair is two hosts with keepalived and HAProxy, in a lab of its own that is
// laid out as ours.
type peerPair struct {
	kind    peerKind
	lab     *chaos.Lab
	pair    [2]*peerHost
	web     webServers
	clientH *chaos.Host
	watchH  *chaos.Host
	vip     netip.Addr
	members []netip.Addr
	cut     chaos.Fault // the cable that linkDown has cut
}

// peerHost is one of the two.
type peerHost struct {
	*chaos.Host
	dir        string
	priority   int
	keepalived *program
	haproxy    *program
	restarted  chan error // what came of the restart that a crash began
}

// newPeerPair builds the lab and starts everything in it.
func newPeerPair(kind peerKind) (_ *peerPair, err error) {
	p := &peerPair{kind: kind, vip: labAddr(100)}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", kind.name, err), p.close())
		}
	}()
	if p.lab, err = chaos.NewLab(); err != nil {
		return nil, err
	}
	if p.clientH, err = p.lab.AddHost("client", labPrefix(2)); err != nil {
		return nil, err
	}
	if p.watchH, err = p.lab.AddHost("watcher", labPrefix(watcherHost)); err != nil {
		return nil, err
	}
	for i := range 2 {
		h, err := p.lab.AddHost(fmt.Sprintf("web-%d", i+1), labPrefix(byte(21+i)))
		if err != nil {
			return nil, err
		}
		if err := p.web.start(h); err != nil {
			return nil, err
		}
		p.members = append(p.members, h.Addr)
	}
	for i := range p.pair {
		if p.pair[i], err = p.addHost(i); err != nil {
			return nil, err
		}
	}
	for i, h := range p.pair {
		if err := p.configure(h, p.pair[1-i]); err != nil {
			return nil, err
		}
		if err := p.startHAProxy(h); err != nil {
			return nil, err
		}
		if err := p.startKeepalived(h); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *peerPair) addHost(i int) (*peerHost, error) {
	host, err := p.lab.AddHost(fmt.Sprintf("lb-%d", i+1), labPrefix(byte(11+i)))
	if err != nil {
		return nil, err
	}
	h := &peerHost{Host: host, dir: filepath.Join(p.lab.Dir, host.Name), priority: 100 - 10*i}
	if err := os.Mkdir(h.dir, 0o755); err != nil {
		return nil, fmt.Errorf("make directory of %s: %w", host.Name, err)
	}
	// HAProxy binds the VIP on both hosts, so Octavia sets this.
	err = host.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_nonlocal_bind", []byte("1"), 0o644) })
	if err != nil {
		return nil, fmt.Errorf("allow %s to bind the VIP: %w", host.Name, err)
	}
	return h, nil
}

func (p *peerPair) configure(h, other *peerHost) error {
	bench, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the bench itself: %w", err)
	}
	for _, f := range []struct {
		name, text string
		mode       os.FileMode
	}{
		{"keepalived.conf", keepalivedConfig(p.kind, h, other, p.vip), 0o600},
		{"haproxy.cfg", haproxyConfig(h, p.vip, p.members), 0o600},
		{"check.sh", checkScript(bench, h.path("haproxy.sock")), 0o700},
	} {
		if err := os.WriteFile(h.path(f.name), []byte(f.text), f.mode); err != nil {
			return fmt.Errorf("write configuration of %s: %w", h.Name, err)
		}
	}
	return nil
}

// startKeepalived starts VRRP only (-P), in the foreground, logging to a file.
func (p *peerPair) startKeepalived(h *peerHost) (err error) {
	// What the log says from now on counts. Process ids that a kill left behind may
	// belong to others now, for whose sake keepalived would not start: as systemd
	// does, they are removed.
	for _, name := range []string{"keepalived.log", "keepalived.pid", "vrrp.pid"} {
		if err := os.Remove(h.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove what an earlier keepalived left: %w", err)
		}
	}
	h.keepalived, err = startProgram(h.Host, h.path("keepalived.log"), "keepalived", "-n", "-l", "-D", "-P",
		"-f", h.path("keepalived.conf"), "-p", h.path("keepalived.pid"), "-r", h.path("vrrp.pid"))
	return err
}

// startHAProxy starts one process in the foreground.
func (p *peerPair) startHAProxy(h *peerHost) (err error) {
	h.haproxy, err = startProgram(h.Host, h.path("haproxy.log"), "haproxy", "-db", "-f", h.path("haproxy.cfg"))
	return err
}

// vrrp is the id of keepalived's child that speaks VRRP.
func (h *peerHost) vrrp() (int, error) {
	text, err := os.ReadFile(h.path("vrrp.pid"))
	if err != nil {
		return 0, fmt.Errorf("find VRRP process of %s: %w", h.Name, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("find VRRP process of %s: %q is no process id", h.Name, text)
	}
	return pid, nil
}

// signalVRRP sends a signal to both processes of keepalived, the child first.
func (h *peerHost) signalVRRP(s syscall.Signal) error {
	pid, err := h.vrrp()
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %v to VRRP process of %s: %w", s, h.Name, err)
	}
	return h.keepalived.signal(s)
}

func (h *peerHost) logs() string { return tails(h.path("keepalived.log"), h.path("haproxy.log")) }

func (p *peerPair) logs() string { return p.pair[0].logs() + p.pair[1].logs() }

func (p *peerPair) close() error {
	var errs []error
	for _, h := range p.pair {
		if h == nil {
			continue
		}
		if h.restarted != nil {
			errs = append(errs, <-h.restarted)
		}
		if h.keepalived.running() {
			_ = h.signalVRRP(syscall.SIGCONT) // it may be stopped, or not have begun
		}
		for _, program := range []*program{h.keepalived, h.haproxy} {
			errs = append(errs, program.end())
		}
	}
	errs = append(errs, p.web.close())
	if p.lab != nil {
		errs = append(errs, p.lab.Close())
	}
	return errors.Join(errs...)
}

func (p *peerPair) name() string         { return p.kind.name }
func (p *peerPair) client() *chaos.Host  { return p.clientH }
func (p *peerPair) watcher() *chaos.Host { return p.watchH }
func (p *peerPair) address() netip.Addr  { return p.vip }

// settled names the host that is MASTER once the other is BACKUP and both have
// an HAProxy that passed its check.
func (p *peerPair) settled(context.Context) (string, error) {
	var master string
	for _, h := range p.pair {
		if !h.keepalived.running() || !h.haproxy.running() {
			return "", fmt.Errorf("%s: keepalived or haproxy does not run on %s\n%s", p.kind.name, h.Name, h.logs())
		}
		log, err := os.ReadFile(h.path("keepalived.log"))
		if err != nil {
			return "", fmt.Errorf("read log of keepalived: %w", err)
		}
		state, checked := vrrpState(string(log))
		switch {
		case !checked:
			return "", fmt.Errorf("%s: the check of %s has not passed yet", p.kind.name, h.Name)
		case state == "MASTER" && master != "":
			return "", fmt.Errorf("%s: both hosts are MASTER", p.kind.name)
		case state == "MASTER":
			master = h.Name
		case state != "BACKUP":
			return "", fmt.Errorf("%s: %s is %q", p.kind.name, h.Name, state)
		}
	}
	if master == "" {
		return "", fmt.Errorf("%s: no host is MASTER", p.kind.name)
	}
	return master, nil
}
