package cluster

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
)

// stream is the raft.StreamLayer over the mux. Its addresses are "id@host:port",
// made by transport, so that the handshake can name the node that is meant.
type stream struct {
	*subListener
	mux       *mux
	advertise string
	// resolve says where a node is now; "" if that is not known.
	resolve func(id string) string
}

var _ raft.StreamLayer = (*stream)(nil)

// nodeAddr is host:port, where host may be a name.
type nodeAddr string

// Network is tcp.
func (nodeAddr) Network() string { return "tcp" }

func (a nodeAddr) String() string { return string(a) }

// Addr is the advertised address: raft tells it to the others.
func (s *stream) Addr() net.Addr { return nodeAddr(s.advertise) }

// Dial connects to raft of the node that address names.
func (s *stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	id, addr, ok := strings.Cut(string(address), "@")
	if !ok {
		id, addr = anyNode, string(address)
	}
	// A node that moved says so by gossip before the configuration is changed.
	if now := s.resolve(id); now != "" {
		addr = now
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.mux.dial(ctx, kindRaft, id, addr)
}

// transport is raft's network transport with some additions: it names the node
// that each call is meant for, tells the lease what passes (see tap), lets this node
// campaign at once, keeps a witness from asking for votes, and after close no
// heartbeat touches the stores any more.
type transport struct {
	*raft.NetworkTransport
	calls chan raft.RPC
	stop  chan struct{}
	once  sync.Once

	tap     tap
	muzzle  *muzzle       // nil on an amphora
	unknown time.Duration // what a voter may have promised that says nothing
	votes   sync.WaitGroup
	seen    highest       // term that was told to the tap
	elected highest       // term that this node was told to lead in
	stood   highest       // term in which this node asked for votes
	asking  atomic.Uint64 // term in which it does so now; 0: it does not, or asks for pre-votes

	mu     sync.RWMutex // held for reading while a heartbeat is handled
	closed bool         // guarded by mu
}

// raft switches pre-vote off, with a mere warning, for a transport that cannot
// carry it. The assertion keeps that from happening unseen.
var (
	_ raft.Transport   = (*transport)(nil)
	_ raft.WithPreVote = (*transport)(nil)
	_ raft.WithClose   = (*transport)(nil)
)

func newTransport(s *stream, timeout time.Duration, logger *raftLogger, t tap, m *muzzle, unknown time.Duration) *transport {
	return &transport{
		tap: t, muzzle: m, unknown: unknown,
		NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream:  s,
			Logger:  logger,
			MaxPool: maxPool,
			Timeout: timeout,
			// Pipelining can stay wedged after a follower's disk stalled, and
			// gains nothing at the rate of configuration changes.
			MaxRPCsInFlight: 1,
		}),
		calls: make(chan raft.RPC),
		stop:  make(chan struct{}),
	}
}

// run passes incoming calls on to raft until close.
func (t *transport) run() error {
	defer t.votes.Wait()
	for {
		select {
		case call := <-t.NetworkTransport.Consumer():
			seen := t.inspect(call)
			select {
			case t.calls <- seen:
			case <-t.stop:
				call.Respond(nil, raft.ErrTransportShutdown)
				return nil
			}
		case <-t.stop:
			return nil
		}
	}
}

// Close ends the transport and waits for heartbeats that are being handled.
func (t *transport) Close() error {
	t.once.Do(func() { close(t.stop) })
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.CloseStreams()
	return t.NetworkTransport.Close()
}

// Consumer is the channel that raft reads calls from, once, when it is made.
func (t *transport) Consumer() <-chan raft.RPC { return t.calls }

// SetHeartbeatHandler keeps the handler from running after Close: it runs on the
// connection's goroutine, beside raft's own, and may write the term.
func (t *transport) SetHeartbeatHandler(handle func(raft.RPC)) {
	t.NetworkTransport.SetHeartbeatHandler(func(call raft.RPC) {
		t.mu.RLock()
		defer t.mu.RUnlock()
		if t.closed {
			call.Respond(nil, raft.ErrTransportShutdown)
			return
		}
		if req, ok := call.Command.(*raft.AppendEntriesRequest); ok {
			t.saw(req.Term)
		}
		handle(call)
	})
}

func meant(id raft.ServerID, addr raft.ServerAddress) raft.ServerAddress {
	return raft.ServerAddress(string(id) + "@" + string(addr))
}

// maxAppendBytes bounds the entries of one call. raft counts entries and not bytes,
// and tries a call that takes too long again and again without end.
const maxAppendBytes = 1 << 20

// upTo returns the first entries with at most so many bytes, and at least one.
func upTo(limit int, entries []*raft.Log) []*raft.Log {
	for i, l := range entries {
		if limit -= len(l.Data) + len(l.Extensions); limit < 0 {
			return entries[:max(i, 1)]
		}
	}
	return entries
}

// The calls to other nodes, each with the id of the node that is meant.

// AppendEntriesPipeline is not supported with one call in flight.
func (t *transport) AppendEntriesPipeline(id raft.ServerID, to raft.ServerAddress) (raft.AppendPipeline, error) {
	return t.NetworkTransport.AppendEntriesPipeline(id, meant(id, to))
}

// AppendEntries replicates entries, or beats the heart. It leaves out of req what
// could not arrive within the time limit of a call; raft goes on behind the last
// entry that it finds in req.
func (t *transport) AppendEntries(id raft.ServerID, to raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	t.leads(req.Term)
	req.Entries = upTo(maxAppendBytes, req.Entries)
	err := t.NetworkTransport.AppendEntries(id, meant(id, to), req, resp)
	if err == nil {
		t.saw(resp.Term)
	}
	return err
}

// RequestVote asks for a vote. The muzzle has its say before, in RequestPreVote: a
// question for votes that raft asks without that one was ordered by a leader.
func (t *transport) RequestVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	t.stands(req.Term)
	t.asking.Store(req.Term)
	err := overLiveConn(func() error { return t.NetworkTransport.RequestVote(id, meant(id, to), req, resp) })
	if err == nil {
		t.counted(id, req.Term, resp)
	}
	return err
}

// RequestPreVote asks whether a vote would be given.
func (t *transport) RequestPreVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	t.asking.Store(0)
	if err := t.muzzle.check(); err != nil {
		return err
	}
	return overLiveConn(func() error { return t.NetworkTransport.RequestPreVote(id, meant(id, to), req, resp) })
}

// overLiveConn makes a call that may be made twice. A node that was started anew has
// ended the connections that raft keeps to it, which raft notices by using them: each
// costs a vote, and the election with it, or a planned move.
func overLiveConn(call func() error) (err error) {
	for range maxPool + 1 {
		err = call()
		if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			return err
		}
	}
	return err
}

// InstallSnapshot sends a snapshot.
func (t *transport) InstallSnapshot(id raft.ServerID, to raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	t.leads(req.Term)
	err := t.NetworkTransport.InstallSnapshot(id, meant(id, to), req, resp, data)
	if err == nil {
		t.saw(resp.Term)
	}
	return err
}

// TimeoutNow tells a node to campaign. One that was told twice campaigns twice, which costs
// a term.
func (t *transport) TimeoutNow(id raft.ServerID, to raft.ServerAddress, req *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return overLiveConn(func() error { return t.NetworkTransport.TimeoutNow(id, meant(id, to), req, resp) })
}
