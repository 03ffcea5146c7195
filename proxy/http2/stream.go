package http2

// Stream is one request and its response. The driver brings the memory and may use it again after [Conn.Release].
type Stream struct {
	// Owner is whatever the driver makes of the stream. The codec does not look at it.
	Owner any
	// Trailer is the trailer section that came, as field lines of HTTP/1.1; empty: none.
	Trailer []byte

	id         uint32
	sendWindow int64
	recvWindow int64
	unacked    int   // consumed and not yet given back
	expect     int64 // of the body to come, by its Content-Length; -1: not known
	owed       int64 // of the body to send, by its Content-Length; -1: not known

	headCame  bool // the final head
	headSent  bool
	localEnd  bool
	remoteEnd bool
	gone      bool // reset, by either side, or the connection is no more
	refused   bool // the peer has not looked at it
	bodyless  bool // the request is HEAD
	mute      bool // what follows is not sent
	keyed     bool // extended CONNECT for a WebSocket, whose answer must match key
	key       [keyLen]byte
}

// start makes s a new stream.
func (c *Conn) start(s *Stream, id uint32) {
	*s = Stream{
		Owner: s.Owner, Trailer: s.Trailer[:0], id: id,
		sendWindow: c.peer.initialWindow, recvWindow: int64(c.cfg.StreamWindow),
		expect: -1, owed: -1,
	}
	c.streams[id] = s
	c.lastID = max(c.lastID, id)
	c.active++
}

// HeadSent reports whether the head was sent: what follows is the body.
func (s *Stream) HeadSent() bool { return s.headSent }

// Gone reports whether the stream was reset, by either side.
func (s *Stream) Gone() bool { return s.gone }

// Refused reports that the stream of a Client was not opened, or that the peer says that it did nothing about it: the request may be sent
// again whatever it is (RFC 9113 section 8.7).
func (s *Stream) Refused() bool { return s.refused }

// Sent reports whether everything was sent.
func (s *Stream) Sent() bool { return s.localEnd }

// Received reports whether everything has come.
func (s *Stream) Received() bool { return s.remoteEnd }

// Release says that the driver is done with s, whatever became of it. left are the bytes that it was given and did not consume.
func (c *Conn) Release(s *Stream, left int) {
	if s.id == 0 {
		return // it was never opened
	}
	defer func() { s.id = 0 }()
	c.active--
	c.refund(left)
	if s.gone || c.err != nil {
		return
	}
	switch {
	case !s.localEnd:
		c.reset(s, InternalError, false)
	case !s.remoteEnd: // what still comes is not wanted (RFC 9113 section 8.1)
		c.reset(s, NoError, false)
	}
}

// Reset ends s at once.
func (c *Conn) Reset(s *Stream, code ErrCode) {
	if s.id != 0 && !s.gone && c.err == nil && (!s.localEnd || !s.remoteEnd) {
		c.reset(s, code, false)
	}
}

func (c *Conn) reset(s *Stream, code ErrCode, tell bool) {
	c.writeReset(s.id, code)
	c.remove(s, byUs)
	if tell {
		c.h.Reset(s, code)
	}
}

// remove takes s, which did not come to its end, out of the connection.
func (c *Conn) remove(s *Stream, by ending) {
	s.gone = true
	c.forget(s, by)
}

func (c *Conn) forget(s *Stream, by ending) {
	delete(c.streams, s.id)
	c.closed.add(s.id, by)
	if c.data.s == s {
		c.data.s = nil
	}
}

// settle forgets s if both sides have ended.
func (c *Conn) settle(s *Stream) {
	if s.localEnd && s.remoteEnd && !s.gone {
		c.forget(s, byEnd)
		c.cost.earn(earnStream)
	}
}

// endRemote notes that the peer has sent everything.
func (c *Conn) endRemote(s *Stream) error {
	if s.expect > 0 {
		return streamError(s.id, ProtocolError, "body is shorter than Content-Length")
	}
	s.remoteEnd = true
	c.h.End(s)
	c.settle(s)
	return nil
}

// ending says how a stream was closed: what may still come for it depends on that (RFC 9113 section 5.1).
type ending uint8

const (
	never  ending = iota
	byEnd         // both sides ended it
	byPeer        // RST_STREAM came
	byUs          // RST_STREAM was sent: the peer may not know yet
)

// ring remembers how the last streams were closed.
type ring struct {
	at  uint8
	ids [64]uint32
	how [64]ending
}

func (r *ring) add(id uint32, how ending) {
	r.ids[r.at], r.how[r.at] = id, how
	r.at = (r.at + 1) % uint8(len(r.ids))
}

func (r *ring) find(id uint32) ending {
	for i, other := range r.ids {
		if other == id {
			return r.how[i]
		}
	}
	return never
}
