package supervise

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stage is a guard on a page of its own that writes down what it does.
type stage struct {
	*guard
	fail map[string]error // by name of the call

	watched sync.Mutex
	calls   []string // guarded by watched
}

func (s *stage) did(name string, args ...any) error {
	s.watched.Lock()
	defer s.watched.Unlock()
	s.calls = append(s.calls, fmt.Sprint(append([]any{name}, args...)...))
	return s.fail[name]
}

// done returns what it has done so far.
func (s *stage) done() []string {
	s.watched.Lock()
	defer s.watched.Unlock()
	return slices.Clone(s.calls)
}

func (s *stage) Raise(term uint64) error { return s.did("raise ", term) }
func (s *stage) Close() error            { return s.did("close ") }

func newStage() *stage {
	s := &stage{fail: map[string]error{}}
	s.guard = &guard{
		mem:       make(memory, pageSize),
		openFloor: func(gate string) (Floor, error) { return s, s.did("open ", gate) },
		release:   func(iface string) (int, error) { return 2, s.did("release ", iface) },
		send:      func(p Packet) error { return s.did("send ", p.To, " ", string(p.Data)) },
		logger:    slog.New(slog.DiscardHandler),
	}
	return s
}

func page(s *stage) *Page { return &Page{mem: s.mem, fd: -1} }

var (
	peerA = netip.MustParseAddrPort("192.0.2.12:7481")
	peerB = netip.MustParseAddrPort("[2001:db8::3]:7481")
)

func testWill(term uint64) Will {
	return Will{Term: term, Packets: []Packet{{To: peerA, Data: []byte("a")}, {To: peerB, Data: []byte("b")}}}
}

const (
	sendA = "send 192.0.2.12:7481 a"
	sendB = "send [2001:db8::3]:7481 b"
)

// The order is what the peers' safety rests on: nothing may be said before it is
// true, and nothing that is not.
func TestOrder(t *testing.T) {
	broken := errors.New("broken")
	gate, noGate := Settings{Interface: "eth0", Gate: "/pins"}, Settings{Interface: "eth0"}
	will := []string{sendA, sendB, sendA, sendB, sendA, sendB}
	join := func(parts ...[]string) (all []string) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	floor, release := []string{"open /pins", "raise 8"}, []string{"release eth0"}
	for name, test := range map[string]struct {
		settings Settings
		will     Will
		dead     bool
		fail     []string
		want     []string
	}{
		"dead":                          {gate, testWill(7), true, nil, join(floor, will, release)},
		"frozen":                        {gate, testWill(7), false, nil, join(floor, will, release)},
		"floor cannot be opened":        {gate, testWill(7), true, []string{"open "}, join(floor[:1], release)},
		"floor cannot be raised":        {gate, testWill(7), true, []string{"raise "}, join(floor, release)},
		"will cannot be sent":           {gate, testWill(7), true, []string{"send "}, join(floor, will, release)},
		"addresses stay":                {gate, testWill(7), true, []string{"release "}, join(floor, will, release)},
		"no peers":                      {gate, Will{Term: 7}, true, nil, join(floor, release)},
		"last term":                     {gate, testWill(math.MaxUint64), true, nil, release},
		"no gate, dead":                 {noGate, testWill(7), true, nil, join(release, will)},
		"no gate, dead, addresses stay": {noGate, testWill(7), true, []string{"release "}, release},
		"no gate, frozen":               {noGate, testWill(7), false, nil, release},
		"never held, dead":              {gate, Will{}, true, nil, release},
		"never held, frozen":            {gate, Will{}, false, nil, nil},
		"witness":                       {Settings{}, Will{}, true, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage()
			for _, call := range test.fail {
				s.fail[call] = broken
			}
			p := page(s)
			if err := errors.Join(p.Describe(test.settings), p.Publish(test.will)); err != nil {
				t.Fatal(err)
			}
			p.Ready()
			s.act(test.dead, "test")
			if diff := cmp.Diff(test.want, s.calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What was done for a stop needs not be done again for the end that follows, but
// what could not be done must be tried again.
func TestActTwice(t *testing.T) {
	prepare := func(t *testing.T, settings Settings) *stage {
		s := newStage()
		p := page(s)
		if err := errors.Join(p.Describe(settings), p.Publish(testWill(7))); err != nil {
			t.Fatal(err)
		}
		p.Ready()
		return s
	}
	check := func(t *testing.T, s *stage, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, s.calls); diff != "" {
			t.Error(diff)
		}
		s.calls = nil
	}
	t.Run("same term", func(t *testing.T) {
		s := prepare(t, Settings{Interface: "eth0", Gate: "/pins"})
		s.prepare()
		check(t, s, "open /pins")
		s.act(false, "stopped")
		check(t, s, "raise 8", sendA, sendB, sendA, sendB, sendA, sendB, "release eth0")
		s.act(true, "killed")
		check(t, s, "release eth0")
	})
	t.Run("newer term", func(t *testing.T) {
		s := prepare(t, Settings{Interface: "eth0", Gate: "/pins"})
		s.act(false, "stopped")
		s.calls = nil
		if err := page(s).Publish(testWill(9)); err != nil {
			t.Fatal(err)
		}
		s.act(false, "stopped")
		check(t, s, "raise 10", sendA, sendB, sendA, sendB, sendA, sendB, "release eth0")
	})
	t.Run("floor at the second try", func(t *testing.T) {
		s := prepare(t, Settings{Interface: "eth0", Gate: "/pins"})
		s.fail["open "] = errors.New("broken")
		s.act(false, "stopped")
		check(t, s, "open /pins", "release eth0")
		delete(s.fail, "open ")
		s.act(true, "killed")
		check(t, s, "open /pins", "raise 8", sendA, sendB, sendA, sendB, sendA, sendB, "release eth0")
	})
	t.Run("no gate", func(t *testing.T) {
		s := prepare(t, Settings{Interface: "eth0"})
		s.act(false, "stopped")
		check(t, s, "release eth0")
		s.act(true, "killed")
		check(t, s, "release eth0", sendA, sendB, sendA, sendB, sendA, sendB)
	})
}

// A worker that could not start may have found another one at work.
func TestAddressesOfOthersStay(t *testing.T) {
	s := newStage()
	if err := page(s).Describe(Settings{Interface: "eth0", Gate: "/pins"}); err != nil {
		t.Fatal(err)
	}
	s.act(true, "ended with exit code 1")
	if len(s.calls) != 0 {
		t.Errorf("it did %v", s.calls)
	}
}

// A worker dies between any two stores; whatever it was about to say, the gate is
// shut for the newer of its terms.
func TestDeathBetweenStores(t *testing.T) {
	for name, change := range map[string]func(m memory){
		"will written, term not": func(m memory) { m.word(offTerm).Store(3) },
		"term written, will not": func(m memory) {
			if err := m.setWill(Will{Term: 3}); err != nil {
				t.Fatal(err)
			}
			m.word(offTerm).Store(7)
		},
		"will damaged": func(m memory) { m.slot(m.word(offActive).Load())[20] ^= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage()
			p := page(s)
			if err := errors.Join(p.Describe(Settings{Interface: "eth0", Gate: "/pins"}), p.Publish(testWill(7))); err != nil {
				t.Fatal(err)
			}
			change(s.mem)
			s.act(true, "test")
			if len(s.calls) < 2 || s.calls[1] != "raise 8" {
				t.Errorf("it did %v, want the floor at 8", s.calls)
			}
		})
	}
}
