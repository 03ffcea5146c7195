package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/amphora-lb/amphora/internal/netns"
)

// bed is where a measurement takes place: client, proxies and members, each in
// a network namespace of its own with a cable between neighbours, for root; all
// on loopback for others.
type bed struct {
	dir                   string
	client, proxy, member *netns.Namespace // nil: loopback
	proxyAddr             netip.Addr       // where clients find the proxies
	memberAddr            netip.Addr       // where proxies find the members
	proxyCPU, restCPU     string           // "": any
	running               []*process
	description           string
}

// process is a program that runs in the bed. What it prints goes to a file.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// makeBed prepares a bed. pinned keeps the proxies to CPU 1 and everything else
// to CPU 0.
func makeBed(pinned bool) (_ *bed, err error) {
	b := &bed{}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.dir, err = os.MkdirTemp("", "amphora-bench-"); err != nil {
		return b, fmt.Errorf("make directory: %w", err)
	}
	if pinned {
		if runtime.NumCPU() < 2 {
			return b, fmt.Errorf("%w: pinning needs two CPUs", errCannot)
		}
		b.proxyCPU, b.restCPU = "1", "0"
	}
	if os.Geteuid() != 0 {
		b.proxyAddr = netip.MustParseAddr("127.0.0.1")
		b.memberAddr = b.proxyAddr
		b.description = "loopback of the host (namespaces need root), congestion control " + describeMachine().CongestionControl
		return b, nil
	}
	b.proxyAddr = netip.MustParseAddr("198.18.0.2") // RFC 2544 section C.2.2: for benchmarks
	b.memberAddr = netip.MustParseAddr("198.18.1.2")
	for _, ns := range []**netns.Namespace{&b.client, &b.proxy, &b.member} {
		if *ns, err = netns.New(); err != nil {
			return b, err
		}
		if err := (*ns).Sysctl("ipv4/ip_local_port_range", "10000 65000"); err != nil {
			return b, err
		}
		congestion, err := calm(*ns)
		if err != nil {
			return b, err
		}
		b.description = "three network namespaces, congestion control " + congestion
	}
	for _, cable := range []struct {
		left, right         *netns.Namespace
		leftEnd, rightEnd   string
		leftAddr, rightAddr netip.Addr
	}{
		{b.client, b.proxy, "proxy", "client", netip.MustParseAddr("198.18.0.1"), b.proxyAddr},
		{b.proxy, b.member, "member", "proxy", netip.MustParseAddr("198.18.1.1"), b.memberAddr},
	} {
		if err := errors.Join(
			netns.Veth(cable.left, cable.leftEnd, cable.right, cable.rightEnd),
			cable.left.AddAddr(cable.leftEnd, netip.PrefixFrom(cable.leftAddr, 24)),
			cable.right.AddAddr(cable.rightEnd, netip.PrefixFrom(cable.rightAddr, 24)),
			cable.left.Up(cable.leftEnd), cable.right.Up(cable.rightEnd),
		); err != nil {
			return b, err
		}
	}
	return b, nil
}

// calm chooses a congestion control that does not pace with timers, as BBR, the
// default of some systems, does: that disturbs everything on virtual links. A
// namespace may use cubic only where the host allows it; reno is always allowed
// and differs only when segments get lost, which they do not here.
func calm(ns *netns.Namespace) (name string, err error) {
	for _, name = range []string{"cubic", "reno"} {
		if err = ns.Sysctl("ipv4/tcp_congestion_control", name); err == nil {
			break
		}
	}
	return name, err
}

// close ends what runs and removes what was made.
func (b *bed) close() error {
	var errs []error
	for _, p := range b.running {
		errs = append(errs, b.stop(p))
	}
	for _, ns := range []*netns.Namespace{b.client, b.proxy, b.member} {
		if ns != nil {
			errs = append(errs, ns.Close())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}

// port returns a port that is free for a listener of the bed.
func (b *bed) port(ns *netns.Namespace, addr netip.Addr) (port uint16, err error) {
	err = within(ns, func() error {
		l, err := net.Listen("tcp", netip.AddrPortFrom(addr, 0).String())
		if err != nil {
			return fmt.Errorf("find a free port: %w", err)
		}
		port = l.Addr().(*net.TCPAddr).AddrPort().Port()
		return l.Close()
	})
	return port, err
}

// within runs fn in ns, or here if ns is nil.
func within(ns *netns.Namespace, fn func() error) error {
	if ns == nil {
		return fn()
	}
	return ns.Do(fn)
}

// start runs a program in ns until the bed is closed.
func (b *bed) start(ns *netns.Namespace, cpu string, name string, args ...string) (*process, error) {
	log, err := os.CreateTemp(b.dir, filepath.Base(name)+"-*.log")
	if err != nil {
		return nil, fmt.Errorf("make log: %w", err)
	}
	defer log.Close() // the child has its own
	p := &process{cmd: exec.Command(name, args...), log: log.Name(), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us
	if err := startPinned(ns, cpu, p.cmd); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.done)
	}()
	b.running = append(b.running, p)
	return p, nil
}

// ended describes a process that has ended too early.
func (p *process) ended() error {
	said, _ := os.ReadFile(p.log) // nothing to add: nothing is added
	return fmt.Errorf("%s has ended: %s\n%s", p.cmd.Path, p.cmd.ProcessState, said[max(0, len(said)-2000):])
}

// stop asks the process to end and waits for that.
func (b *bed) stop(p *process) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // ended already: fine
	select {
	case <-p.done:
		return nil
	case <-time.After(10 * time.Second):
	}
	err := p.cmd.Process.Kill()
	<-p.done
	return errors.Join(fmt.Errorf("stop %s: still running 10 s after SIGTERM", p.cmd.Path), err)
}

// startPinned starts cmd in ns on one CPU, or on any. The CPU is set before the
// program begins, because Go's runtime counts them once.
func startPinned(ns *netns.Namespace, cpu string, cmd *exec.Cmd) error {
	if cpu != "" {
		taskset, err := exec.LookPath("taskset")
		if err != nil {
			return fmt.Errorf("pin %s: %w; it is in Debian's util-linux", cmd.Path, err)
		}
		cmd.Args = append([]string{taskset, "-c", cpu, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = taskset
	}
	if err := within(ns, cmd.Start); err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return nil
}
