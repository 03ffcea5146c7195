package http2

import (
	"encoding/binary"
	"sync"
)

// Bounds of a header block as it comes (CONTINUATION flood, CVE-2023-45288; HPACK bombs).
const (
	maxBlock  = 64 << 10
	maxFrames = 32
	maxFields = 256 << 10 // bytes of the fields that it unfolds to, as RFC 9113 section 6.5.2 counts them
)

// heads is shared by all connections: memory without state.
var heads = sync.Pool{New: func() any { return new(head) }}

// headers handles a HEADERS frame.
func (c *Conn) headers(f frame, p []byte) error {
	p, err := unpad(f, p)
	if err != nil {
		return err
	}
	self := false
	if f.has(flagPriority) {
		if len(p) < 5 {
			return connError(FrameSizeError, "HEADERS is too short for its priority")
		}
		self = binary.BigEndian.Uint32(p)&maxStream == f.stream
		p = p[5:]
	}
	if f.has(flagEndHeaders) {
		return c.decode(f.stream, p, f.has(flagEndStream), self)
	}
	c.block = pending{open: true, stream: f.stream, last: f.has(flagEndStream), self: self, b: append(c.block.b[:0], p...)}
	return nil
}

func (c *Conn) continuation(f frame, p []byte) error {
	b := &c.block
	if b.frames++; b.frames > maxFrames || len(b.b)+len(p) > maxBlock {
		return connError(EnhanceYourCalm, "header block is too large")
	}
	if len(p) == 0 {
		if err := c.cost.spend(costEmpty); err != nil {
			return err
		}
	}
	b.b = append(b.b, p...)
	if !f.has(flagEndHeaders) {
		return nil
	}
	done := *b
	c.block = pending{}
	return c.decode(done.stream, done.b, done.last, done.self)
}

// decode takes in a header block. It is decoded whatever becomes of it: the next one builds on its table.
func (c *Conn) decode(id uint32, p []byte, last, self bool) error {
	s, kind, verdict := c.whose(id, last)
	if e, ok := verdict.(*Error); ok && e.Stream == 0 { //nolint:errorlint // ours
		return verdict
	}
	if self && verdict == nil {
		kind, verdict = blockNothing, streamError(id, ProtocolError, "stream depends on itself")
	}
	h, _ := heads.Get().(*head)
	defer heads.Put(h)
	h.begin(kind, c.cfg.HeadLimit)
	c.head = h
	defer func() { c.head = nil }()
	// In one piece: of a field that goes on in the next one the decoder keeps a copy, and its memory. A bomb unfolds to nothing, as add
	// takes no more than it may.
	_, err := c.dec.Write(p)
	if err == nil {
		err = c.dec.Close()
	}
	if err != nil {
		return connError(CompressionError, "header block cannot be decoded")
	}
	if h.size > maxFields {
		return connError(EnhanceYourCalm, "header block unfolds to too much")
	}
	if verdict != nil || kind == blockNothing {
		if kind == blockNothing && id > c.lastID && c.role == Server {
			c.lastID = id
		}
		return verdict
	}
	h.end(last, s != nil && s.bodyless)
	if kind == blockTrailer {
		return c.trailer(s, h)
	}
	if c.role == Server {
		return c.request(id, h, last)
	}
	return c.response(s, h, last)
}

// whose finds out what a header block is for (RFC 9113 section 5.1).
func (c *Conn) whose(id uint32, last bool) (s *Stream, kind block, err error) {
	s = c.streams[id]
	switch {
	case s != nil && s.remoteEnd:
		return s, blockNothing, streamError(id, StreamClosed, "HEADERS behind the end of a stream")
	case s != nil && s.headCame && !last:
		return s, blockNothing, streamError(id, ProtocolError, "trailer section that does not end the stream")
	case s != nil && s.headCame:
		return s, blockTrailer, nil
	case s != nil:
		return s, blockResponse, nil
	case c.role == Client && c.idle(id):
		return nil, 0, connError(ProtocolError, "HEADERS on a stream that was never opened")
	case id%2 == 0:
		return nil, 0, connError(ProtocolError, "stream of a client with an even number")
	case id <= c.lastID:
		switch c.closed.find(id) {
		case byUs:
			return nil, blockNothing, c.cost.spend(costFrame) // it may have been on its way
		case byPeer:
			return nil, blockNothing, streamError(id, StreamClosed, "HEADERS behind RST_STREAM")
		case byEnd:
			return nil, 0, connError(StreamClosed, "HEADERS on a stream that is closed")
		}
		return nil, 0, connError(ProtocolError, "stream has a lower number than one before it")
	case c.final:
		return nil, blockNothing, c.cost.spend(costRefused) // the peer knows by GOAWAY
	case len(c.streams) >= c.cfg.MaxStreams || c.active >= 2*c.cfg.MaxStreams:
		return nil, blockNothing, streamError(id, RefusedStream, "too many streams")
	}
	return nil, blockRequest, nil
}

func (c *Conn) request(id uint32, h *head, last bool) error {
	c.lastID = id
	if h.bad != "" {
		return streamError(id, ProtocolError, h.bad)
	}
	s := c.h.Open()
	if s == nil {
		return streamError(id, RefusedStream, "no room for another stream")
	}
	c.start(s, id)
	s.headCame, s.bodyless = true, h.method == "HEAD"
	s.keyed, s.key = h.keyed, h.key
	s.expect = h.length
	c.h.Head(s, h.text, h.over)
	if last {
		return c.endRemote(s)
	}
	return nil
}

func (c *Conn) response(s *Stream, h *head, last bool) error {
	switch {
	case h.bad != "":
		return streamError(s.id, ProtocolError, h.bad)
	case h.over:
		return streamError(s.id, EnhanceYourCalm, "head of a response is too large")
	}
	interim := h.status[0] == '1'
	if !interim {
		s.headCame = true
		if !s.bodyless && h.status != "304" {
			s.expect = h.length
		}
	} else if err := c.cost.spend(costFrame); err != nil {
		return err
	}
	c.h.Head(s, h.text, false)
	if last {
		return c.endRemote(s)
	}
	return nil
}

func (c *Conn) trailer(s *Stream, h *head) error {
	switch {
	case h.bad != "":
		return streamError(s.id, ProtocolError, h.bad)
	case h.over:
		return streamError(s.id, EnhanceYourCalm, "trailer section is too large")
	}
	s.Trailer = append(s.Trailer[:0], h.text...)
	return c.endRemote(s)
}

// blocks is where header blocks are written before their length is known.
var blocks = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}
