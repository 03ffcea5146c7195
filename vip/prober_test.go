package vip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	self4 = netip.MustParseAddr("192.0.2.1")
	peer4 = netip.MustParseAddr("192.0.2.3")
	far4  = netip.MustParseAddr("198.51.100.1")
)

// pings is an echoer in memory.
type pings struct {
	mu   sync.Mutex
	open map[netip.Addr]func()
}

func (e *pings) ping(to netip.Addr, answered func()) (func(), error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open[to] = answered
	return func() { e.mu.Lock(); delete(e.open, to); e.mu.Unlock() }, nil
}

func (e *pings) Close() error { return nil }

func (e *pings) reply(from netip.Addr) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if answered := e.open[from]; answered != nil {
		answered()
	}
}

// probeBubble runs a prober on a host in memory with one gateway.
func probeBubble(t *testing.T, test func(t *testing.T, p *Prober, k *host, e *pings)) {
	synctest.Test(t, func(t *testing.T) {
		k, e := newHost(), &pings{open: map[netip.Addr]func(){}}
		k.addrs[self4] = hostAddr{proto: 0, bits: 24}
		k.peers = []peer{{addr: gateway4.addr, gateway: true}, host4}
		cfg := ProberConfig{Interface: "eth0", TieBreakers: []netip.Addr{host4.addr, far4}}
		p := newProber(cfg, func() (kernel, error) { return k, nil }, k.dial, func() (echoer, error) { return e, nil })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("run: %v", err)
			}
		})
		synctest.Wait()
		p.Watch([]netip.Addr{vip4, vip6}, []netip.Addr{peer4})
		test(t, p, k, e)
	})
}

// outcome is what a probe came to, and when.
type outcome struct {
	network, occupied bool
	took              time.Duration
	peer              bool
}

// probing starts a probe with so much time.
func probing(t *testing.T, p *Prober, limit time.Duration, occupancy bool) <-chan outcome {
	t.Helper()
	done := make(chan outcome, 1)
	began := time.Now()
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		network, occupied, peer := p.Probe(ctx, occupancy)
		done <- outcome{network, occupied, time.Since(began), peer}
	}()
	synctest.Wait()
	return done
}

func pending(t *testing.T, what string, o <-chan outcome) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-o:
		t.Errorf("%s: ended with %+v", what, got)
	default:
	}
}

const fence = 450 * time.Millisecond

func TestProbeCountsEachAnswer(t *testing.T) {
	for name, answer := range map[string]func(k *host, e *pings){
		"gateway":              func(k *host, _ *pings) { k.hear(claim{addr: gateway4.addr, to: self4, reply: true, mac: [6]byte{9}}) },
		"tie-breaker on link":  func(k *host, _ *pings) { k.hear(claim{addr: host4.addr, to: self4, reply: true, mac: [6]byte{9}}) },
		"tie-breaker far away": func(_ *host, e *pings) { e.reply(far4) },
	} {
		t.Run(name, func(t *testing.T) {
			probeBubble(t, func(t *testing.T, p *Prober, k *host, e *pings) {
				o := probing(t, p, fence, false)
				same(t, "asked", []string{"ask 192.0.2.254 for 192.0.2.1", "ask 192.0.2.7 for 192.0.2.1"}, k.take())
				pass(3 * time.Millisecond)
				answer(k, e)
				same(t, "outcome", outcome{true, false, 3 * time.Millisecond, false}, <-o)
			})
		})
	}
}

func TestProbeWithoutAnAnswer(t *testing.T) {
	probeBubble(t, func(t *testing.T, p *Prober, k *host, _ *pings) {
		o := probing(t, p, fence, false)
		for _, c := range []claim{
			{addr: gateway4.addr, to: self4},                      // asks us
			{addr: gateway4.addr, to: vip4, reply: true},          // answers somebody else
			{addr: peer4, to: self4, reply: true},                 // is not asked
			{addr: gateway4.addr, to: gateway4.addr, reply: true}, // announces itself
		} {
			k.hear(c)
		}
		same(t, "outcome", outcome{false, false, fence, false}, <-o)
	})
}

// An answer is evidence from when its question was sent, so it must not count for
// one that was sent later.
func TestAnswerCountsForTheOldestQuestion(t *testing.T) {
	probeBubble(t, func(t *testing.T, p *Prober, k *host, e *pings) {
		reply := claim{addr: gateway4.addr, to: self4, reply: true}
		first := probing(t, p, fence, false)
		pass(20 * time.Millisecond)
		second := probing(t, p, fence, false)
		pass(10 * time.Millisecond)
		k.hear(reply)
		same(t, "first", outcome{true, false, 30 * time.Millisecond, false}, <-first)
		pending(t, "second", second)
		k.hear(reply)
		same(t, "second", outcome{true, false, 10 * time.Millisecond, false}, <-second)

		// Nor must the answer to one that was given up, because somebody else was
		// quicker.
		third := probing(t, p, fence, false)
		e.reply(far4)
		<-third
		pass(10 * time.Millisecond)
		fourth := probing(t, p, fence, false)
		k.hear(reply)
		pending(t, "fourth", fourth)
		k.hear(reply)
		same(t, "fourth", outcome{true, false, 0, false}, <-fourth)

		// One that was lost does not make all that follow count for too old ones.
		lost := probing(t, p, fence, false)
		pass(answerTime + time.Millisecond)
		fifth := probing(t, p, fence, false)
		k.hear(reply)
		same(t, "after a lost one", outcome{true, false, 0, false}, <-fifth)
		pending(t, "the lost one", lost)
		<-lost
	})
}

func TestQuestionGoesToAllWhileAnswersAreOut(t *testing.T) {
	probeBubble(t, func(t *testing.T, p *Prober, k *host, _ *pings) {
		var to []string
		k.change(func() {
			k.sees = func(frame []byte) {
				if netip.AddrFrom4([4]byte(frame[38:42])) == gateway4.addr {
					to = append(to, net.HardwareAddr(frame[:6]).String())
				}
			}
		})
		for i := range 8 {
			o := probing(t, p, fence, false)
			if i < 2 {
				k.hear(claim{addr: gateway4.addr, to: self4, reply: true, mac: [6]byte{2, 0, 0, 0, 1, 0xfe}})
			}
			<-o
		}
		const all, known = "ff:ff:ff:ff:ff:ff", "02:00:00:00:01:fe"
		same(t, "sent to", []string{all, known, known, known, known, all, all, all}, to)
	})
}

func TestOccupancy(t *testing.T) {
	other := [6]byte{2, 0, 0, 0, 0, 0x77}
	gateway := claim{addr: gateway4.addr, to: self4, reply: true}
	for _, tc := range []struct {
		name  string
		limit time.Duration
		says  []claim
		want  outcome
	}{
		{"vacant", fence, []claim{gateway}, outcome{true, false, 60 * time.Millisecond, false}},
		{"VIP answered for", fence, []claim{gateway, {addr: vip4, mac: other, reply: true}}, outcome{true, true, 0, false}},
		{"IPv6 VIP announced", fence, []claim{gateway, {addr: vip6, mac: other}}, outcome{true, true, 0, false}},
		{"peer is there", fence, []claim{gateway, {addr: peer4, mac: other}}, outcome{true, false, 60 * time.Millisecond, true}},
		{"our own frame", fence, []claim{gateway, {addr: vip4, mac: upLink().mac}}, outcome{true, false, 60 * time.Millisecond, false}},
		{"somebody else", fence, []claim{gateway, {addr: host4.addr, mac: other}}, outcome{true, false, 60 * time.Millisecond, false}},
		{"not asked to the end", 50 * time.Millisecond, []claim{gateway}, outcome{false, false, 50 * time.Millisecond, false}},
		{"no network", fence, nil, outcome{false, false, fence, false}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			probeBubble(t, func(t *testing.T, p *Prober, k *host, _ *pings) {
				o := probing(t, p, tc.limit, true)
				for _, c := range tc.says {
					k.hear(c)
					synctest.Wait()
				}
				got := <-o
				if got.occupied && tc.want.occupied {
					got.network = tc.want.network // either may be known first
				}
				same(t, "outcome", tc.want, got)
				k.mu.Lock()
				defer k.mu.Unlock()
				want := []netip.Addr{vip4, vip6, peer4}
				if tc.want.took >= 60*time.Millisecond {
					want = slices.Repeat(want, searchProbes)
				}
				count := func(addr netip.Addr, in []netip.Addr) (n int) {
					for _, a := range in {
						if a == addr {
							n++
						}
					}
					return n
				}
				for _, addr := range want {
					if tc.limit == fence && count(addr, k.probed) != count(addr, want) {
						t.Errorf("probed for %v, want %v in some order", k.probed, want)
						break
					}
				}
			})
		})
	}
}

func TestOccupancyLooksForAFewOfMany(t *testing.T) {
	probeBubble(t, func(t *testing.T, p *Prober, k *host, _ *pings) {
		p.Watch(manyVIPs(1000), []netip.Addr{peer4})
		<-probing(t, p, fence, true)
		k.mu.Lock()
		defer k.mu.Unlock()
		if got, want := len(k.probed), searchProbes*(searchVIPs+1); got != want || !slices.Contains(k.probed, peer4) {
			t.Errorf("%d probes, for %v, want %d and one for the peer", got, k.probed, want)
		}
	})
}

// An answer that waits in the socket of a busy host is not missed, nor is one that
// the socket dropped taken for silence.
func TestOccupancyWaitsForABusyHost(t *testing.T) {
	probeBubble(t, func(t *testing.T, p *Prober, k *host, _ *pings) {
		gateway := claim{addr: gateway4.addr, to: self4, reply: true}
		k.change(func() { k.behind = 30 })
		o := probing(t, p, fence, true)
		k.hear(gateway)
		pass(80 * time.Millisecond)
		k.hear(claim{addr: vip4, mac: [6]byte{2, 0, 0, 0, 0, 0x77}})
		same(t, "with an answer that was late", outcome{true, true, 90 * time.Millisecond, false}, <-o)

		k.change(func() { k.failing["caughtUp"] = errors.New("queue was full") })
		o = probing(t, p, fence, true)
		k.hear(gateway)
		same(t, "with frames dropped", outcome{false, false, 60 * time.Millisecond, false}, <-o)
	})
}

func TestOccupancyThatCannotBeSent(t *testing.T) {
	probeBubble(t, func(t *testing.T, p *Prober, k *host, _ *pings) {
		k.change(func() { k.failing["send"] = errors.New("no buffer space") })
		o := probing(t, p, fence, true)
		k.hear(claim{addr: gateway4.addr, to: self4, reply: true})
		if got := <-o; got.network || got.occupied {
			t.Errorf("outcome is %+v, want nothing known", got)
		}
	})
}

func TestProbeWithoutCarrier(t *testing.T) {
	probeBubble(t, func(t *testing.T, p *Prober, k *host, _ *pings) {
		o := probing(t, p, fence, true)
		pass(10 * time.Millisecond)
		k.change(func() { k.l.up = false })
		same(t, "while it is lost", outcome{false, false, 10 * time.Millisecond, false}, <-o)
		same(t, "while there is none", outcome{}, <-probing(t, p, fence, true))
		k.change(func() { k.l.up, k.l.ups = true, k.l.ups+1 })
		synctest.Wait()
		o = probing(t, p, fence, false)
		k.hear(claim{addr: gateway4.addr, to: self4, reply: true})
		same(t, "after its return", outcome{true, false, 0, false}, <-o)
	})
}

func TestProbeWithoutRun(t *testing.T) {
	p, err := NewProber(ProberConfig{Interface: "eth0"})
	must(t, err)
	if network, occupied, _ := p.Probe(t.Context(), true); network || occupied {
		t.Errorf("got %v, %v without sockets", network, occupied)
	}
}

func TestValidateProber(t *testing.T) {
	for field, c := range map[string]ProberConfig{
		"interface":    {},
		"gateways":     {Interface: "eth0", Gateways: []netip.Addr{{}}},
		"tie_breakers": {Interface: "eth0", TieBreakers: []netip.Addr{allNodes}},
		"refresh":      {Interface: "eth0", Refresh: -1},
	} {
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), field+":") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: got %v, want an error of %s alone", c, err, field)
		}
	}
}
