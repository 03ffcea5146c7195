package cluster

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
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

// transport is raft's network transport with three additions: it names the node
// that each call is meant for, it lets this node campaign at once, and after
// close no heartbeat touches the stores any more. What else must know about or
// hold back raft's messages (promises that travel with votes, a witness that does
// not ask for votes) has its place here.
type transport struct {
	*raft.NetworkTransport
	calls chan raft.RPC
	stop  chan struct{}
	once  sync.Once

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

func newTransport(s *stream, timeout time.Duration, maxPool int, logger *raftLogger) *transport {
	return &transport{
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
	for {
		select {
		case call := <-t.NetworkTransport.Consumer():
			select {
			case t.calls <- call:
			case <-t.stop:
				call.Respond(nil, raft.ErrTransportShutdown)
				return nil
			}
		case <-t.stop:
			return nil
		}
	}
}

// campaign makes this node's raft stand for election now, without waiting for its
// timer and without asking first whether the others would vote for it. Only a
// voter that knows of no living leader may do that.
func (t *transport) campaign(ctx context.Context) error {
	answer := make(chan raft.RPCResponse, 1)
	call := raft.RPC{
		Command:  &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax}},
		RespChan: answer,
	}
	select {
	case t.calls <- call:
	case <-t.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case a := <-answer:
		return a.Error
	case <-t.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
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
	req.Entries = upTo(maxAppendBytes, req.Entries)
	return t.NetworkTransport.AppendEntries(id, meant(id, to), req, resp)
}

// RequestVote asks for a vote.
func (t *transport) RequestVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return t.NetworkTransport.RequestVote(id, meant(id, to), req, resp)
}

// RequestPreVote asks whether a vote would be given.
func (t *transport) RequestPreVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return t.NetworkTransport.RequestPreVote(id, meant(id, to), req, resp)
}

// InstallSnapshot sends a snapshot.
func (t *transport) InstallSnapshot(id raft.ServerID, to raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	return t.NetworkTransport.InstallSnapshot(id, meant(id, to), req, resp, data)
}

// TimeoutNow tells a node to campaign.
func (t *transport) TimeoutNow(id raft.ServerID, to raft.ServerAddress, req *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return t.NetworkTransport.TimeoutNow(id, meant(id, to), req, resp)
}
