package vip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
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

func TestOrderOfClaimAndRelease(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 3, vip6, vip4, vip4)
		synctest.Wait()
		same(t, "claim", []string{"put 2001:db8::100 refresh=false", "put 192.0.2.100 refresh=false", "send 2001:db8::100", "send 192.0.2.100"}, k.take())
		v := h.View()
		if v.Term != 3 || !v.Holding || len(v.Addrs) != 2 || !v.Addrs[0].Present || !v.Addrs[1].Present {
			t.Errorf("view is %+v", v)
		}
		pass(time.Minute)
		synctest.Wait()
		k.take()

		must(t, h.Release(t.Context()))
		same(t, "release", []string{"remove 192.0.2.100", "remove 2001:db8::100"}, k.take())
		pass(time.Minute)
		synctest.Wait()
		same(t, "after the release", []string{}, k.take())
		if v := h.View(); v.Holding || len(v.Addrs) != 2 || v.Addrs[0].Present || v.Addrs[1].Present {
			t.Errorf("view is %+v", v)
		}
	})
}

// TestClaimDoesNotLook claims what the last pass has prepared. A look follows.
func TestClaimDoesNotLook(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		k.peers = []peer{gateway4}
		start(t, h)
		must(t, h.Update([]netip.Addr{vip4, vip6}))
		pass(time.Second)
		synctest.Wait()
		looks := k.looks
		must(t, h.Hold(1))
		synctest.Wait()
		same(t, "claim", []string{
			"put 192.0.2.100 refresh=false", "put 2001:db8::100 refresh=false",
			"send 192.0.2.100", "send 2001:db8::100", "ask 192.0.2.254 for 192.0.2.100",
		}, k.take())
		same(t, "looks during the claim", 0, k.looks-looks)
		v := h.View()
		if c := v.Claim; c.Term != 1 || c.Told.IsZero() || !c.Added.Equal(c.Told) || !c.Announced.Equal(c.Told) || !c.Answered.IsZero() {
			t.Errorf("claim is %+v, want all but the answer at once", c)
		}
		pass(time.Millisecond)
		k.hear(claim{addr: gateway4.addr, to: vip4, reply: true})
		synctest.Wait()
		if c := h.View().Claim; c.Answered.Sub(c.Told) != time.Millisecond {
			t.Errorf("claim is %+v, want an answer after 1 ms", c)
		}
		pass(minCalm)
		synctest.Wait()
		same(t, "looks after the claim", 1, k.looks-looks)
		same(t, "probes", []netip.Addr{vip4, vip6}, k.probed[:2])
		same(t, "groups", []netip.Addr{solicitedNode(vip6)}, k.groups)
	})
}

// TestClaimLeavesOutWhatIsTaken knows from the last pass that an address is on
// this host from somebody else.
func TestClaimLeavesOutWhatIsTaken(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		k.others = []address{{index: k.l.index, prefix: netip.PrefixFrom(vip4, 24), valid: forever}}
		start(t, h)
		must(t, h.Update([]netip.Addr{vip4, vip6}))
		pass(time.Second)
		must(t, h.Hold(1))
		synctest.Wait()
		same(t, "addresses", []netip.Addr{vip6}, k.ours())
		if v := h.View().Addrs; v[0].Present || v[0].Err == nil || !v[1].Present {
			t.Errorf("view is %+v", v)
		}
	})
}

func TestRival(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		var log bytes.Buffer
		h.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		start(t, h)
		hold(t, h, 1, vip4, vip6)
		synctest.Wait()
		rival := func() string {
			synctest.Wait()
			a := h.View().Addrs[0]
			if (a.Rival == nil) != (a.Err == nil) {
				t.Errorf("rival %v and error %v", a.Rival, a.Err)
			}
			return a.Rival.String()
		}
		k.hear(claim{addr: vip4, mac: upLink().mac})
		k.hear(claim{addr: host4.addr, mac: [6]byte{2, 0, 0, 0, 0, 0x66}})
		same(t, "rival after frames that are none", "", rival())
		for i := range 100 {
			k.hear(claim{addr: vip4, mac: [6]byte{2, 0, 0, 0, 0, byte(0x60 + i%2)}})
			synctest.Wait()
		}
		same(t, "rival", "02:00:00:00:00:61", rival())
		if n := strings.Count(log.String(), "claimed by another host"); n < 1 || n > 5 {
			t.Errorf("logged %d times, want a few:\n%s", n, &log)
		}
		pass(rivalTime / 2)
		k.hear(claim{addr: vip4, mac: [6]byte{2, 0, 0, 0, 0, 0x61}})
		pass(rivalTime - time.Second)
		same(t, "rival within a minute", "02:00:00:00:00:61", rival())
		pass(10 * time.Second)
		same(t, "rival after it", "", rival())

		k.hear(claim{addr: vip4, mac: [6]byte{2, 0, 0, 0, 0, 0x61}})
		must(t, h.Release(t.Context()))
		same(t, "rival of what is not held", "", rival())
		k.hear(claim{addr: vip4, mac: [6]byte{2, 0, 0, 0, 0, 0x61}})
		same(t, "rival of what is not held", "", rival())
	})
}

func TestOldTermIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 5, vip4)
		must(t, h.Release(t.Context()))
		if err := h.Hold(4); !errors.Is(err, ErrStaleTerm) {
			t.Errorf("hold of an older term: got %v, want %v", err, ErrStaleTerm)
		}
		synctest.Wait()
		same(t, "addresses", []netip.Addr{}, k.ours())
		hold(t, h, 5, vip4)
		synctest.Wait()
		same(t, "addresses", []netip.Addr{vip4}, k.ours())
	})
}

func TestBadAddressesChangeNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 1, vip4)
		for _, bad := range []netip.Addr{
			{},
			netip.IPv4Unspecified(), netip.IPv6Unspecified(), netip.MustParseAddr("224.0.0.18"), netip.MustParseAddr("ff02::1"),
			netip.MustParseAddr("fe80::1%eth0"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("255.255.255.255"),
		} {
			addrs := []netip.Addr{vip6, bad}
			if err := h.Update(addrs); err == nil || !strings.Contains(err.Error(), bad.String()) {
				t.Errorf("update with %s: got %v, want an error that names it", bad, err)
			}
		}
		must(t, h.Update([]netip.Addr{netip.MustParseAddr("::ffff:192.0.2.100")}))
		synctest.Wait()
		same(t, "addresses", []netip.Addr{vip4}, k.ours())
		same(t, "term", 1, h.View().Term)
	})
}

func TestUpdateWithoutHold(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		must(t, h.Update([]netip.Addr{vip4}))
		pass(time.Minute)
		same(t, "addresses", []netip.Addr{}, k.ours())
	})
}

func TestLeftoversAreRemovedAtTheStart(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		foreign := netip.MustParseAddr("192.0.2.1")
		k.addrs[vip4] = hostAddr{Protocol, 32, time.Now().Add(time.Hour)}
		k.addrs[foreign] = hostAddr{0, 24, time.Time{}}
		start(t, h)
		same(t, "journal", []string{"remove 192.0.2.100"}, k.take())
		if len(k.addrs) != 1 {
			t.Errorf("addresses are %v, want %s only", k.addrs, foreign)
		}
	})
}

func TestLeftoverThatIsHeldAlreadyStays(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		k.addrs[vip4] = hostAddr{Protocol, 32, time.Now().Add(29 * time.Second)}
		hold(t, h, 1, vip4)
		start(t, h)
		same(t, "journal", []string{"send 192.0.2.100"}, k.take())
		if v := h.View(); !v.Addrs[0].Present {
			t.Errorf("view is %+v", v)
		}
	})
}

func TestReconcileWithoutEvents(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		k.change(func() { k.quiet = true })
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		k.change(func() { delete(k.addrs, vip4); k.addrs[vip6] = hostAddr{Protocol, 128, time.Now().Add(time.Hour)} })
		pass(3 * time.Second)
		synctest.Wait()
		same(t, "addresses", []netip.Addr{vip4}, k.ours())
	})
}

// TestFightOverAnAddress has somebody who removes the address whenever he sees it.
func TestFightOverAnAddress(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		k.change(func() { k.thief = true })
		hold(t, h, 1, vip4)
		pass(time.Minute)
		synctest.Wait()
		puts := 0
		for _, line := range k.take() {
			if strings.HasPrefix(line, "put") {
				puts++
			}
		}
		if puts < 20 || puts > 40 {
			t.Errorf("the address was added %d times in a minute, want one in about 3 s", puts)
		}
		k.change(func() { k.thief = false })
		pass(20 * time.Second)
		same(t, "addresses", []netip.Addr{vip4}, k.ours())
		k.change(func() { delete(k.addrs, vip4) })
		pass(minCalm)
		synctest.Wait()
		same(t, "addresses after the fight is over", []netip.Addr{vip4}, k.ours())
	})
}

func TestAddressNeverExpiresWhileHeld(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 1, vip4)
		pass(10 * time.Minute)
		synctest.Wait()
		refreshed := 0
		for _, line := range k.take() {
			switch {
			case strings.HasPrefix(line, "expire"):
				t.Error(line)
			case strings.HasSuffix(line, "refresh=true"):
				refreshed++
			}
		}
		if refreshed < 40 || refreshed > 60 {
			t.Errorf("refreshed %d times in 10 min, want one in 10 to 15 s", refreshed)
		}
	})
}

func TestReleaseWaitsForTheKernel(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		busy := errors.New("kernel is busy")
		for _, op := range []string{"look", "remove"} {
			k.change(func() { k.failing[op] = busy })
			synctest.Wait()
			k.take()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			err := h.Release(ctx)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, busy) {
				t.Errorf("release while %s fails: got %v, want %v and %v", op, err, context.DeadlineExceeded, busy)
			}
			same(t, "announcements while "+op+" fails", []string{}, k.take())
			hold(t, h, 1, vip4)
			k.change(func() { delete(k.failing, op) })
			pass(time.Second)
		}

		k.change(func() { k.failing["remove"] = busy })
		released := make(chan error, 1)
		go func() { released <- h.Release(t.Context()) }()
		pass(10 * time.Second)
		select {
		case err := <-released:
			t.Fatalf("release returned %v while the address is there", err)
		default:
		}
		k.change(func() { delete(k.failing, "remove") })
		must(t, <-released)
		same(t, "addresses", []netip.Addr{}, k.ours())
	})
}

func TestAddThatFailsIsRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		refused := errors.New("refused")
		k.change(func() { k.failing["put"] = refused })
		hold(t, h, 1, vip4)
		pass(time.Second)
		if v := h.View(); v.Addrs[0].Present || !errors.Is(v.Addrs[0].Err, refused) {
			t.Errorf("view is %+v, want %v", v, refused)
		}
		same(t, "journal", []string{}, k.take())
		k.change(func() { k.quiet = true; delete(k.failing, "put") })
		pass(retry)
		synctest.Wait()
		if v := h.View(); !v.Addrs[0].Present || v.Addrs[0].Err != nil {
			t.Errorf("view is %+v", v)
		}
	})
}

// What goes on being wrong is logged when it begins, not at every look.
func TestTroubleIsLoggedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		var log bytes.Buffer
		h.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		k.change(func() {
			k.others = []address{{index: k.l.index, prefix: netip.PrefixFrom(vip4, 24), valid: forever}}
			k.failing["put"] = errors.New("refused")
		})
		pass(20 * time.Second)
		synctest.Wait()
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
			t.Errorf("logged %d times that the address is disputed, want once:\n%s", n, &log)
		}
		k.change(func() { k.others = nil })
		pass(8 * time.Second)
		synctest.Wait()
		if n := strings.Count(log.String(), "refused"); n != 1 {
			t.Errorf("logged %d times that the lifetime is not refreshed, want once:\n%s", n, &log)
		}
		k.change(func() { delete(k.failing, "put") })
		pass(retry)
		synctest.Wait()
		if v := h.View(); v.Addrs[0].Err != nil {
			t.Errorf("view still has %v", v.Addrs[0].Err)
		}
	})
}

// An address that somebody puts in the place of ours is theirs.
func TestReplacedAddressIsNotAnnounced(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		k.change(func() { k.others = []address{{index: k.l.index, prefix: netip.PrefixFrom(vip4, 24), valid: forever}} })
		pass(time.Second)
		if v := h.View(); !v.Addrs[0].Present || v.Addrs[0].Err == nil {
			t.Errorf("beside ours: view is %+v, want it present and disputed", v)
		}
		k.change(func() { delete(k.addrs, vip4) })
		pass(minCalm)
		synctest.Wait()
		k.take()
		pass(time.Minute)
		synctest.Wait()
		same(t, "journal", []string{}, k.take())
		if v := h.View(); v.Addrs[0].Present || v.Addrs[0].Err == nil {
			t.Errorf("in the place of ours: view is %+v, want it absent and disputed", v)
		}
		k.change(func() { k.others = nil })
		pass(minCalm)
		synctest.Wait()
		same(t, "journal", []string{"put 192.0.2.100 refresh=false", "send 192.0.2.100"}, k.take())
		if v := h.View(); !v.Addrs[0].Present || v.Addrs[0].Err != nil {
			t.Errorf("after it: view is %+v", v)
		}
	})
}

func TestEndOfRun(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		stop := start(t, h)
		hold(t, h, 1, vip4, vip6)
		synctest.Wait()
		stop()
		same(t, "addresses", []netip.Addr{}, k.ours())
		must(t, h.Release(t.Context()))
		if err := h.Run(t.Context()); err == nil {
			t.Error("a second Run returned no error")
		}
	})
}

func TestEndOfRunReportsWhatIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.Run(ctx) }()
		hold(t, h, 1, vip4)
		synctest.Wait()
		stuck := errors.New("stuck")
		k.change(func() { k.failing["remove"] = stuck })
		cancel()
		if err := <-ended; !errors.Is(err, stuck) {
			t.Errorf("run ended with %v, want %v", err, stuck)
		}
		if err := h.Release(t.Context()); !errors.Is(err, stuck) {
			t.Errorf("release after the run: got %v, want %v", err, stuck)
		}
	})
}

func TestChangesSignalsEveryNewView(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		start(t, h)
		hold(t, h, 1, vip4)
		synctest.Wait()
		<-h.Changes()
		pass(time.Minute)
		select {
		case <-h.Changes():
			t.Error("a signal came without a change")
		default:
		}
		k.change(func() { k.gone = true })
		<-h.Changes()
		if v := h.View(); !errors.Is(v.Err, errNoInterface) || v.Addrs[0].Present {
			t.Errorf("view is %+v, want %v", v, errNoInterface)
		}
	})
}

// TestYield keeps the addresses for as long as it takes, in silence, while the next
// holder announces them; nothing comes back that is taken away.
func TestYield(t *testing.T) {
	bubble(t, func(t *testing.T, h *Holder, k *host) {
		var log bytes.Buffer
		h.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		start(t, h)
		h.Yield() // it holds nothing yet
		hold(t, h, 1, vip4, vip6)
		synctest.Wait()
		k.take()

		h.Yield()
		synctest.Wait()
		h.hear(claim{addr: vip4, mac: [6]byte{2, 0, 0, 0, 0, 9}, to: vip4})
		pass(10 * time.Minute)
		synctest.Wait()
		for _, line := range k.take() {
			if !strings.HasSuffix(line, "refresh=true") {
				t.Errorf("after Yield: %s", line)
			}
		}
		same(t, "addresses", []netip.Addr{vip4, vip6}, k.ours())
		v := h.View()
		if v.Holding || v.Addrs[0].Present || v.Addrs[0].Err != nil || v.Addrs[0].Rival != nil {
			t.Errorf("view is %+v, want nothing held and nothing disputed", v)
		}
		if strings.Contains(log.String(), "claimed by another host") {
			t.Errorf("the next holder is taken for a rival:\n%s", &log)
		}
		k.change(func() { delete(k.addrs, vip6) })
		pass(time.Minute)
		same(t, "addresses", []netip.Addr{vip4}, k.ours())

		must(t, h.Release(t.Context()))
		same(t, "addresses", []netip.Addr{}, k.ours())
		h.Yield() // nor does it hold any more
		pass(time.Minute)
		same(t, "addresses", []netip.Addr{}, k.ours())
	})
}

// TestHoldAfterYield announces anew what is still there, also when no pass came
// between: the segment may know another host by then.
func TestHoldAfterYield(t *testing.T) {
	for _, between := range []time.Duration{0, time.Second} {
		t.Run(between.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *Holder, k *host) {
				start(t, h)
				hold(t, h, 1, vip4)
				pass(time.Minute)
				synctest.Wait()
				k.take()
				h.Yield()
				if between > 0 {
					pass(between)
					synctest.Wait()
				}
				must(t, h.Hold(3))
				synctest.Wait()
				same(t, "claim", []string{"send 192.0.2.100"}, k.take())
				v := h.View()
				if !v.Holding || !v.Addrs[0].Present || v.Claim.Term != 3 || v.Claim.Added.IsZero() || v.Claim.Announced.IsZero() {
					t.Errorf("view is %+v", v)
				}
			})
		})
	}
}

// TestAnyHistoryEndsAsTold gives random orders while others change the host, and
// compares when all is quiet.
func TestAnyHistoryEndsAsTold(t *testing.T) {
	all := append(manyVIPs(6), vip6)
	for seed := range uint64(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *Holder, k *host) {
				rnd := rand.New(rand.NewPCG(seed, 0))
				start(t, h)
				var want []netip.Addr
				term := uint64(1)
				released := make(chan error, 40)
				waiting := 0
				for range 40 {
					some := slices.Clone(all)
					rnd.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
					some = some[:rnd.IntN(len(some))]
					one := all[rnd.IntN(len(all))]
					switch rnd.IntN(9) {
					case 0:
						term++
						hold(t, h, term, some...)
						want = some
					case 1:
						must(t, h.Update(some))
						if h.told().wish == wantAll {
							want = some
						}
					case 2:
						waiting++
						go func() { released <- h.Release(context.Background()) }()
						synctest.Wait()
						want = nil
					case 3:
						k.change(func() { delete(k.addrs, one) })
					case 4:
						k.change(func() { k.addrs[one] = hostAddr{Protocol, one.BitLen(), time.Now().Add(time.Hour)} })
					case 5:
						k.change(func() { k.quiet = !k.quiet })
					case 6:
						op := []string{"look", "put", "remove"}[rnd.IntN(3)]
						k.change(func() { k.failing[op] = errors.New(op + " fails") })
					case 7:
						k.change(func() { clear(k.failing) })
						pass(time.Duration(rnd.IntN(1000)) * time.Millisecond)
					case 8:
						h.Yield()
					}
				}
				k.change(func() { clear(k.failing) })
				pass(5 * time.Second)
				synctest.Wait()
				for range waiting {
					must(t, <-released)
				}
				want = slices.Clone(want)
				slices.SortFunc(want, netip.Addr.Compare)
				if told := h.told(); told.wish == wantKept {
					for _, addr := range k.ours() {
						if !slices.Contains(told.set, addr) {
							t.Errorf("%s is still there, and no VIP any more", addr)
						}
					}
				} else {
					same(t, "addresses", want, k.ours())
				}
				for _, a := range h.View().Addrs {
					if a.Present != (h.told().wish == wantAll) || a.Err != nil {
						t.Errorf("view of %s is %+v", a.Addr, a)
					}
				}
			})
		})
	}
}
