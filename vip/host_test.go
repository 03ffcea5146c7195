package vip

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// host is a kernel and a wire in memory, which keep a common journal.
type host struct {
	mu      sync.Mutex
	l       link
	gone    bool // the interface does not exist
	addrs   map[netip.Addr]hostAddr
	others  []address // of somebody else, beside those in addrs
	journal []string
	failing map[string]error // by operation: look, put, remove
	changed func(bool)
	hear    func(claim)
	sees    func(frame []byte)
	peers   []peer
	groups  []netip.Addr
	probed  []netip.Addr
	looks   int
	behind  int  // how often the port says that it has not heard all
	quiet   bool // no events
	thief   bool // somebody removes what is put at once
	closed  chan struct{}
}

type hostAddr struct {
	proto   uint8
	bits    int
	expires time.Time
}

func newHost() *host {
	return &host{l: upLink(), addrs: map[netip.Addr]hostAddr{}, failing: map[string]error{}, closed: make(chan struct{})}
}

func (k *host) look() (snapshot, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expireLocked()
	k.looks++
	if err := k.failing["look"]; err != nil {
		return snapshot{}, err
	}
	if k.gone {
		return snapshot{}, errNoInterface
	}
	s := snapshot{link: k.l}
	for addr, a := range k.addrs {
		left := forever
		if !a.expires.IsZero() {
			left = time.Until(a.expires).Truncate(time.Second)
		}
		s.addrs = append(s.addrs, address{index: k.l.index, prefix: netip.PrefixFrom(addr, a.bits), proto: a.proto, valid: left})
	}
	s.addrs = append(s.addrs, k.others...)
	slices.SortFunc(s.addrs, func(x, y address) int { return x.prefix.Addr().Compare(y.prefix.Addr()) })
	return s, nil
}

func (k *host) put(index int, addrs []netip.Addr, lifetime time.Duration, refresh bool) map[netip.Addr]error {
	k.mu.Lock()
	defer k.mu.Unlock()
	wrong := map[netip.Addr]error{}
	for _, addr := range addrs {
		if err := k.failing["put"]; err != nil {
			wrong[addr] = err
			continue
		}
		if _, there := k.addrs[addr]; there != refresh || index != k.l.index {
			wrong[addr] = fmt.Errorf("put %s: there %v, refresh %v, index %d", addr, there, refresh, index)
			continue
		}
		k.addrs[addr] = hostAddr{Protocol, addr.BitLen(), time.Now().Add(lifetime)}
		if k.thief {
			delete(k.addrs, addr)
		}
		k.noteLocked(fmt.Sprintf("put %s refresh=%v", addr, refresh))
	}
	return wrong
}

func (k *host) remove(addrs []address) map[netip.Addr]error {
	k.mu.Lock()
	defer k.mu.Unlock()
	wrong := map[netip.Addr]error{}
	for _, a := range addrs {
		if err := k.failing["remove"]; err != nil {
			wrong[a.prefix.Addr()] = err
			continue
		}
		delete(k.addrs, a.prefix.Addr())
		k.noteLocked("remove " + a.prefix.Addr().String())
	}
	return wrong
}

func (k *host) around(int) ([]peer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.peers, k.failing["around"]
}

func (k *host) join(_ int, groups []netip.Addr) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.groups = groups
	return k.failing["join"]
}

func (k *host) watch(changed func(bool)) error {
	k.mu.Lock()
	k.changed = changed
	k.mu.Unlock()
	<-k.closed
	return nil
}

func (k *host) close() error {
	close(k.closed)
	return nil
}

// dial plays the wire.
func (k *host) dial(_ link, hear func(claim)) (port, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hear = hear
	return k, nil
}

// send notes who is announced, who is asked where he is, and what is probed.
func (k *host) send(frames [][]byte) (n, dropped int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.failing["send"]; err != nil {
		return 0, 0, err
	}
	for _, frame := range frames {
		if k.sees != nil {
			k.sees(frame)
		}
		var from, target netip.Addr
		if frame[12] == 0x86 {
			from, target = netip.AddrFrom16([16]byte(frame[22:38])), netip.AddrFrom16([16]byte(frame[62:78]))
		} else {
			from, target = netip.AddrFrom4([4]byte(frame[28:32])), netip.AddrFrom4([4]byte(frame[38:42]))
		}
		switch {
		case from.IsUnspecified():
			k.probed = append(k.probed, target)
		case from == target:
			k.noteLocked("send " + from.String())
		default:
			k.noteLocked(fmt.Sprintf("ask %s for %s", target, from))
		}
	}
	return len(frames), 0, nil
}

// caughtUp is true once it has been called often enough.
func (k *host) caughtUp() (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.behind--
	return k.behind < 0, k.failing["caughtUp"]
}

func (k *host) Close() error { return nil }

func (k *host) noteLocked(s string) {
	k.journal = append(k.journal, s)
	if k.changed != nil && !k.quiet {
		k.changed(false)
	}
}

// change does what somebody else does on the host.
func (k *host) change(fn func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	fn()
	if k.changed != nil && !k.quiet {
		k.changed(false)
	}
}

func (k *host) expireLocked() {
	for addr, a := range k.addrs {
		if !a.expires.IsZero() && !time.Now().Before(a.expires) {
			delete(k.addrs, addr)
			k.journal = append(k.journal, "expire "+addr.String())
		}
	}
}

// ours lists the addresses on the host that carry our mark.
func (k *host) ours() (addrs []netip.Addr) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expireLocked()
	for addr, a := range k.addrs {
		if a.proto == Protocol {
			addrs = append(addrs, addr)
		}
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return addrs
}

// take empties the journal and returns it, with the frames of one announcement
// as one line.
func (k *host) take() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var j []string
	for _, line := range k.journal {
		if !strings.HasPrefix(line, "send") || len(j) == 0 || j[len(j)-1] != line {
			j = append(j, line)
		}
	}
	k.journal = nil
	return j
}

// bubble runs a test of a holder on a host in memory, under a clock of its own.
func bubble(t *testing.T, test func(t *testing.T, h *Holder, k *host)) {
	synctest.Test(t, func(t *testing.T) {
		k := newHost()
		h := newHolder(Config{Interface: "eth0"}, func() (kernel, error) { return k, nil }, k.dial)
		h.rand = func() float64 { return 0.5 }
		test(t, h, k)
	})
}

// start runs the holder until the end of the test or the call of stop.
func start(t *testing.T, h *Holder) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	synctest.Wait()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// hold tells the VIPs and then to hold them.
func hold(t *testing.T, h *Holder, term uint64, addrs ...netip.Addr) {
	t.Helper()
	must(t, h.Update(addrs))
	must(t, h.Hold(term))
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
