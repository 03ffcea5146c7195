package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"
)

// demoLimit bounds the whole demo. It takes some ten seconds on an idle machine.
const demoLimit = 3 * time.Minute

// Demo shows a pair and a witness to a new user: it starts them in a lab,
// configures them with amphoractl as a tutorial would, shows that answers
// alternate, moves the VIPs on purpose, kills a worker, kills a whole holder in the
// middle of a download, and shows that clients go on. It narrates on out and ends with a line that begins with
// "demo: PASS" or "demo: FAIL"; then nothing of it is left on the machine. bin
// is the directory that holds amphorad and amphoractl. It needs root.
func Demo(ctx context.Context, out io.Writer, bin string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, demoLimit, fmt.Errorf("the demo took longer than %v", demoLimit))
	defer cancel()
	verdict, err := demo(ctx, out, bin)
	if err != nil {
		fmt.Fprintf(out, "demo: FAIL %v\n", err)
		return errors.New("the demo failed")
	}
	fmt.Fprintln(out, "demo: PASS", verdict)
	return nil
}

func demo(ctx context.Context, out io.Writer, bin string) (verdict string, err error) {
	s := &story{out: out}
	s.tell("Building a lab of network namespaces: a client, two web servers, two amphorae, a witness")
	c, err := NewCluster(bin)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			fmt.Fprint(out, c.logs())
		}
		s.tell("Cleaning up")
		err = errors.Join(err, c.Close())
		left, leftErr := c.lab.Leftovers()
		if err = errors.Join(err, leftErr); err == nil && len(left) > 0 {
			err = fmt.Errorf("left behind: %s", strings.Join(left, ", "))
		}
		verdict += " left_behind=0"
	}()
	s.cluster = c
	if err := c.Start(); err != nil {
		return "", err
	}
	if err := s.elect(ctx); err != nil {
		return "", err
	}
	if err := s.configure(ctx); err != nil {
		return "", err
	}
	if err := s.alternate(ctx); err != nil {
		return "", err
	}
	moves, err := s.moveAll(ctx)
	if err != nil {
		return "", err
	}
	verdict, err = s.failover(ctx)
	if err != nil {
		return "", err
	}
	verdict = moves + verdict
	return verdict, s.rejoin(ctx)
}

// story is the demo's state: what it has set up so far.
type story struct {
	out     io.Writer
	step    int
	cluster *Cluster
	ctl     string // node that amphoractl talks to
	vip     netip.Addr
	url     string
}

func (s *story) tell(format string, args ...any) {
	s.step++
	fmt.Fprintf(s.out, "\n%d. %s\n", s.step, fmt.Sprintf(format, args...))
}

// run types an amphoractl command and shows what it prints.
func (s *story) run(ctx context.Context, args ...string) error {
	fmt.Fprintf(s.out, "   $ amphoractl %s\n", strings.Join(args, " "))
	text, err := s.cluster.Ctl(ctx, s.ctl, args...)
	for line := range strings.Lines(text) {
		fmt.Fprintf(s.out, "     %s", line)
	}
	return err
}

func (s *story) elect(ctx context.Context) error {
	s.tell("Starting them; they find each other and elect a holder")
	s.ctl = nodeNames[0]
	if err := until(ctx, func() error { return s.cluster.ready(ctx) }); err != nil {
		return fmt.Errorf("elect a holder: %w", err)
	}
	return s.run(ctx, "cluster", "status")
}

func (s *story) configure(ctx context.Context) error {
	s.tell("Creating a load balancer, as in any Octavia tutorial")
	for _, args := range [][]string{
		{"subnet", "create", "--name", "public", "--cidr", labNet.String(), "--allocation-pool", "start=192.0.2.100,end=192.0.2.199", "-o", "id"},
		{"loadbalancer", "create", "--name", "lb1", "--vip-subnet-id", "public"},
		{"listener", "create", "--name", "listener1", "--protocol", "HTTP", "--protocol-port", "80", "lb1", "-o", "id"},
		{"pool", "create", "--name", "pool1", "--lb-algorithm", "ROUND_ROBIN", "--listener", "listener1", "--protocol", "HTTP", "-o", "id"},
		{"member", "create", "--name", "web-1", "--address", webIPs["web-1"].String(), "--protocol-port", "80", "pool1", "-o", "id"},
		{"member", "create", "--name", "web-2", "--address", webIPs["web-2"].String(), "--protocol-port", "80", "pool1", "-o", "id"},
		{"loadbalancer", "status", "lb1"},
	} {
		if err := s.run(ctx, args...); err != nil {
			return err
		}
	}
	vip, err := s.cluster.vip(ctx, s.ctl, "lb1")
	if err != nil {
		return err
	}
	s.vip, s.url = vip, "http://"+vip.String()+"/"
	return nil
}

func (s *story) alternate(ctx context.Context) error {
	s.tell("Asking the VIP %s six times: the answers alternate", s.vip)
	last := ""
	for range 6 {
		from, err := newClient(s.cluster.client).get(ctx, s.url)
		if err != nil {
			return fmt.Errorf("ask the VIP: %w", err)
		}
		fmt.Fprintf(s.out, "   GET %s -> %s\n", s.url, from)
		if from == last {
			return fmt.Errorf("%s answered twice in a row", from)
		}
		last = from
	}
	return nil
}

// failover kills the holder in the middle of a download, while another client
// asks every few milliseconds.
func (s *story) failover(ctx context.Context) (string, error) {
	holder, err := s.cluster.holder(s.vip)
	if err != nil {
		return "", err
	}
	s.tell("Starting a download and a request every %v, then kill -9 of everything on the holder, %s", probeEvery, holder)
	result, err := s.cluster.killHolder(ctx, holder, s.vip)
	if err != nil {
		return "", err
	}
	for _, n := range s.cluster.nodes {
		if n.amphora() && n.name != holder {
			s.ctl = n.name
		}
	}
	fmt.Fprintf(s.out, "   the VIP is on %s now; longest time without an answer: %d ms\n", s.ctl, result.outage.Milliseconds())
	fmt.Fprintf(s.out, "   the download broke %d times, stood still for %d ms, was resumed, and is complete: %v\n",
		result.download.Breaks, result.download.Hang.Milliseconds(), result.download.Complete)
	fmt.Fprintf(s.out, "   answers before and after: %v\n", result.history.Members())
	if err := s.alternate(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("outage_ms=%d requests=%d failed=%d download_breaks=%d download_complete=%v",
		result.outage.Milliseconds(), len(result.history), result.history.Failed(), result.download.Breaks, result.download.Complete), nil
}

// rejoin starts the killed node again: it must give up the address that the
// kill left on its interface, and hold nothing.
func (s *story) rejoin(ctx context.Context) error {
	holder := s.ctl
	s.tell("Starting the killed node again: it comes back as standby")
	for _, n := range s.cluster.nodes {
		if !n.serving() {
			if err := s.cluster.Start(n.name); err != nil {
				return err
			}
		}
	}
	err := until(ctx, func() error {
		if err := s.cluster.ready(ctx); err != nil {
			return err
		}
		carriers, err := s.cluster.Carriers(s.vip)
		if err == nil && (len(carriers) != 1 || carriers[0] != holder) {
			err = fmt.Errorf("the VIP is on %v, want it on %s only", carriers, holder)
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.run(ctx, "cluster", "status")
}
