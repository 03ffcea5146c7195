package cluster

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/amphora-lb/amphora/internal/logkey"
	"golang.org/x/sys/unix"
)

// Extra copies of a message follow the first after a random time between these:
// what loses one packet often loses the next one too.
const (
	copyAfterMin = 2 * time.Millisecond
	copyAfterMax = 5 * time.Millisecond
)

// carrier takes the lease's messages to other nodes, each in a datagram that gossip
// has sealed, and hands those of others over. It sends from sockets of its own, one
// per node: on a shared one, packets that wait for the hardware address of a dead
// node would fill the buffer and hold up those for the living. Sending never waits.
type carrier struct {
	self    lease.ID
	seal    func(msg []byte) ([]byte, error)
	locate  func(id lease.ID) (netip.AddrPort, bool) // where a node's gossip is
	member  func(id lease.ID) bool                   // whether messages of it count
	deliver func(lease.Message)
	refused func(id lease.ID) // the host of a node says that nobody listens
	logger  *slog.Logger

	// lose is for tests: a message for which it is true gets lost.
	lose atomic.Pointer[func(to lease.ID, m lease.Message) bool]

	number  atomic.Uint64 // of the newest datagram
	replays replays
	warned  throttle
	counts  carrierCounts

	mu     sync.Mutex
	socks  map[lease.ID]*sock // guarded by mu; nil when closed
	copies sync.WaitGroup     // copies that are still to be sent
}

// carrierCounts are for status; see Node.Lease.
type carrierCounts struct {
	sent, unsent, received, undecodable, misdirected, unknown, replayed atomic.Uint64
}

// sock is a connected socket to one node. Connected, it learns when the other
// host says that the port is closed.
type sock struct {
	at   netip.AddrPort
	conn *net.UDPConn
}

// send sends a message, copies times in all. It never blocks, and tells nobody when
// the message cannot be sent: it might as well get lost later.
func (c *carrier) send(to lease.ID, m lease.Message, copies int) {
	if lose := c.lose.Load(); lose != nil && (*lose)(to, m) {
		return
	}
	data, err := c.sealed(to, m, c.number.Add(1))
	if err != nil {
		c.failed(to, err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.sockLocked(to)
	if err != nil {
		c.failed(to, err)
		return
	}
	c.writeLocked(to, s, data)
	after := time.Duration(0)
	for range copies - 1 {
		after += copyAfterMin + rand.N(copyAfterMax-copyAfterMin)
		c.copies.Add(1)
		time.AfterFunc(after, func() {
			defer c.copies.Done()
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.socks[to] == s {
				c.writeLocked(to, s, data)
			}
		})
	}
}

// sealed makes the datagram for a message.
func (c *carrier) sealed(to lease.ID, m lease.Message, number uint64) ([]byte, error) {
	data, err := datagram{to: to, number: number, Message: m}.encode()
	if err != nil {
		return nil, err
	}
	return c.seal(data)
}

var (
	errCarrierClosed = errors.New("carrier is closed")
	errNoGossip      = errors.New("gossip does not know where it is")
)

// sockLocked returns the socket to a node, where the node is now. mu must be held.
func (c *carrier) sockLocked(to lease.ID) (*sock, error) {
	if c.socks == nil {
		return nil, errCarrierClosed
	}
	at, ok := c.locate(to)
	if !ok {
		return nil, errNoGossip
	}
	if s := c.socks[to]; s != nil {
		if s.at == at {
			return s, nil
		}
		_ = s.conn.Close()
		delete(c.socks, to)
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	s := &sock{at: at, conn: conn}
	c.socks[to] = s
	return s, nil
}

// writeLocked writes a datagram if that is possible at once. mu must be held.
func (c *carrier) writeLocked(to lease.ID, s *sock, data []byte) {
	err := s.write(data)
	if errors.Is(err, unix.ECONNREFUSED) {
		// The host's answer to an earlier datagram; this one has not been sent.
		c.refused(to)
		err = s.write(data)
	}
	if err != nil {
		c.failed(to, err)
		return
	}
	c.counts.sent.Add(1)
}

// write does what UDPConn.Write does, but does not wait for room in the buffer.
func (s *sock) write(data []byte) error {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		_, failed = unix.Write(int(fd), data)
		return true
	})
	return errors.Join(err, failed)
}

func (c *carrier) failed(to lease.ID, err error) {
	c.counts.unsent.Add(1)
	if !errors.Is(err, errCarrierClosed) && c.warned.first(string(to)+err.Error()) {
		c.logger.Debug("lease message not sent", logkey.Peer, string(to), logkey.Err, err)
	}
}

// take hands over a message that gossip has opened. It runs on memberlist's
// goroutine for messages, without its locks, and data is its own.
func (c *carrier) take(data []byte) {
	d, err := decodeDatagram(data)
	switch {
	case err != nil:
		c.counts.undecodable.Add(1)
	case d.to != c.self:
		c.counts.misdirected.Add(1)
	case !c.member(d.From):
		c.counts.unknown.Add(1)
	case d.number == 0 && d.Kind != lease.Released, // only a release is true for ever
		d.number != 0 && !c.replays.fresh(d.From, d.Boot, d.number):
		c.counts.replayed.Add(1)
	default:
		c.counts.received.Add(1)
		c.deliver(d.Message)
	}
}

// close sends what is still to be sent and closes the sockets.
func (c *carrier) close() {
	c.copies.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.socks {
		_ = s.conn.Close()
	}
	c.socks = nil
}
