package cluster

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// testGossip starts the gossip of a node of the cluster "blue" that knows nobody.
func testGossip(t *testing.T, key []byte, message func([]byte)) *gossip {
	t.Helper()
	g := &gossip{
		id: t.Name(), registry: &registry{}, changed: func() {}, message: message, gone: func(string) {},
		logger: slog.New(slog.DiscardHandler),
	}
	cfg := Config{Cluster: "blue", GossipAddr: "127.0.0.1:0", GossipKey: key}.withDefaults()
	if err := g.start(cfg, meta{Name: "n", Role: Amphora}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.shutdown(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// What one node seals, another takes from whatever socket it comes, unless its key
// is another one.
func TestSealedMessageTravelsAlone(t *testing.T) {
	key := []byte("sixteen bytes ok")
	for name, tt := range map[string]struct {
		from, to []byte
		arrives  bool
	}{
		"key":       {key, key, true},
		"plain":     {nil, nil, true},
		"wrong key": {[]byte("another key 16 b"), key, false},
		"no key":    {nil, key, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan string, 2)
			from := testGossip(t, tt.from, func([]byte) {})
			to := testGossip(t, tt.to, func(data []byte) { got <- string(data) })
			data, err := from.seal([]byte("released"))
			if err != nil {
				t.Fatal(err)
			}
			witness, err := testGossip(t, tt.to, nil).seal([]byte("after it"))
			if err != nil {
				t.Fatal(err)
			}
			conn, err := net.Dial("udp", to.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			want := "after it" // sent behind it on the same way, so that the other had its time
			if tt.arrives {
				want = "released"
			}
			if _, err := conn.Write(data); err != nil {
				t.Fatal(err)
			}
			if !tt.arrives {
				if _, err := conn.Write(witness); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case msg := <-got:
				if msg != want {
					t.Errorf("got %q, want %q", msg, want)
				}
			case <-time.After(patience):
				t.Errorf("%q did not arrive", want)
			}
		})
	}
}

// newTestCarrier returns the carrier of node "a" that seals nothing. What arrives
// from "b" goes to deliver.
func newTestCarrier(t *testing.T, at netip.AddrPort, deliver func(lease.Message)) *carrier {
	t.Helper()
	c := &carrier{
		self: "a", seal: func(msg []byte) ([]byte, error) { return msg, nil },
		locate:  func(id lease.ID) (netip.AddrPort, bool) { return at, id == "b" },
		member:  func(id lease.ID) bool { return id == "b" },
		deliver: deliver, refused: func(lease.ID) {},
		logger: textLogger(io.Discard), socks: map[lease.ID]*sock{},
	}
	t.Cleanup(c.close)
	return c
}

func TestCarrierSendsCopies(t *testing.T) {
	peer, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	c := newTestCarrier(t, peer.LocalAddr().(*net.UDPAddr).AddrPort(), nil)
	want := lease.Message{Kind: lease.Renew, From: "a", Term: 3, Seq: 4}
	c.send("b", want, 3)
	c.send("c", want, 1) // nobody knows where it is
	buf := make([]byte, 1500)
	for range 3 {
		n, err := peer.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		d, err := decodeDatagram(buf[:n])
		if diff := cmp.Diff(want, d.Message); diff != "" || err != nil || d.to != "b" || d.number != 1 {
			t.Errorf("to %s, number %d, %v: %s", d.to, d.number, err, diff)
		}
	}
	c.close()
	if got := []uint64{c.counts.sent.Load(), c.counts.unsent.Load()}; !cmp.Equal(got, []uint64{3, 1}) {
		t.Errorf("sent and unsent: %v", got)
	}
	c.send("b", want, 1)
}

// A host that says that nobody listens is worth a closer look, and costs no message.
func TestCarrierHearsOfAClosedPort(t *testing.T) {
	free, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	at := free.LocalAddr().(*net.UDPAddr).AddrPort()
	free.Close()
	c := newTestCarrier(t, at, nil)
	refused := make(chan lease.ID, 100)
	c.refused = func(id lease.ID) { refused <- id }
	testenv.Eventually(t, patience, func() error {
		c.send("b", lease.Message{Kind: lease.Ack}, 1)
		select {
		case id := <-refused:
			if id != "b" {
				t.Errorf("refused by %s", id)
			}
			return nil
		default:
			return unix.ECONNREFUSED
		}
	})
	if c.counts.unsent.Load() != 0 {
		t.Error("the message after the refusal was not sent")
	}
}

func TestCarrierTakesEachMessageOnce(t *testing.T) {
	var got []lease.Kind
	c := newTestCarrier(t, netip.AddrPort{}, func(m lease.Message) { got = append(got, m.Kind) })
	take := func(d datagram) {
		t.Helper()
		data, err := d.encode()
		if err != nil {
			t.Fatal(err)
		}
		c.take(data)
	}
	from := func(kind lease.Kind) lease.Message { return lease.Message{Kind: kind, From: "b", Boot: 7} }
	take(datagram{"a", 5, from(lease.Renew)})
	take(datagram{"a", 5, from(lease.Renew)})                                   // again
	take(datagram{"a", 4, from(lease.Ack)})                                     // late
	take(datagram{"a", 4, from(lease.Ack)})                                     // again
	take(datagram{"a", 200, from(lease.Agree)})                                 //
	take(datagram{"a", 6, from(lease.Confirm)})                                 // too late to tell
	take(datagram{"a", 5, lease.Message{Kind: lease.Nack, From: "b", Boot: 8}}) // another process
	take(datagram{"c", 201, from(lease.Renew)})                                 // for another node
	take(datagram{"a", 202, lease.Message{Kind: lease.Renew, From: "x"}})       // from a stranger
	take(datagram{"a", 0, from(lease.Renew)})                                   // not of the kind that is sealed in advance
	take(datagram{"a", 0, from(lease.Released)})
	take(datagram{"a", 0, from(lease.Released)}) // is true for ever
	c.take([]byte{0xff})
	want := []lease.Kind{lease.Renew, lease.Ack, lease.Agree, lease.Nack, lease.Released, lease.Released}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	n := &c.counts
	counts := []uint64{n.received.Load(), n.replayed.Load(), n.misdirected.Load(), n.unknown.Load(), n.undecodable.Load()}
	if diff := cmp.Diff([]uint64{6, 4, 1, 1, 1}, counts); diff != "" {
		t.Error(diff)
	}
}

// No number is taken twice, whatever the order, and none that is recent is refused.
func TestReplayWindow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var r replays
		taken := map[uint64]bool{}
		var high uint64
		for _, n := range rapid.SliceOfN(rapid.Uint64Range(1, 300), 1, 300).Draw(rt, "numbers") {
			fresh := r.fresh("b", 1, n)
			if fresh && taken[n] {
				rt.Fatalf("%d is taken twice", n)
			}
			if !fresh && !taken[n] && n+replayWindow > high {
				rt.Fatalf("%d is refused at %d", n, high)
			}
			taken[n] = taken[n] || fresh
			high = max(high, n)
		}
	})
}

func TestReplaysForgetTheOldestProcess(t *testing.T) {
	var r replays
	for boot := range uint64(replayBoots + 1) {
		if !r.fresh("b", boot, 1) {
			t.Fatalf("process %d is refused", boot)
		}
	}
	if r.fresh("b", 1, 1) || len(r.nodes["b"]) != replayBoots {
		t.Errorf("%d processes are remembered", len(r.nodes["b"]))
	}
}

func TestLeaseMessagesKeepTheirMeaning(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := datagram{
			to: lease.ID(rapid.String().Draw(rt, "to")), number: rapid.Uint64().Draw(rt, "number"),
			Message: rapid.Make[lease.Message]().Draw(rt, "message"),
		}
		d.Lease, d.Age = max(d.Lease, 0), max(d.Age, 0)
		data, err := d.encode()
		if err != nil {
			rt.Skip("no UTF-8")
		}
		got, err := decodeDatagram(data)
		if diff := cmp.Diff(d, got, cmp.AllowUnexported(datagram{})); diff != "" || err != nil {
			rt.Fatal(diff, err)
		}
	})
	list := []lease.Promise{{Holder: "b", Term: 3, For: time.Second}, {For: time.Minute}}
	for _, want := range [][]lease.Promise{list, nil} {
		data, err := encodePromises(want)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := decodePromises(data)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Error(diff)
		}
	}
	for _, data := range [][]byte{nil, {}, {0xff}} {
		if _, ok := decodePromises(data); ok {
			t.Errorf("%v is taken for promises", data)
		}
	}
}

func FuzzLeaseMessage(f *testing.F) {
	data, err := datagram{"a", 5, lease.Message{Kind: lease.Renew, From: "b"}}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = decodeDatagram(data)
		_, _ = decodePromises(data)
	})
}
