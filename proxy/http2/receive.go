package http2

import (
	"bytes"
	"encoding/binary"
)

// data is a DATA frame of which a part has come.
type data struct {
	s     *Stream // nil: nobody wants it
	left  int     // payload without padding
	pad   int
	sized bool // the padding is known
}

// step takes one thing from the start of p: the preface, the head of a frame, its payload, or a piece of a body. 0: more is needed.
func (c *Conn) step(p []byte) (n int, err error) {
	if !c.begun {
		if n := min(len(p), len(Preface)); string(p[:n]) != Preface[:n] {
			return 0, connError(ProtocolError, "connection does not begin with the preface")
		}
		if len(p) < len(Preface) {
			return 0, nil
		}
		c.begun = true
		return len(Preface), nil
	}
	if !c.framed {
		if len(p) < frameHeaderLen {
			return 0, nil
		}
		c.frame = parseFrame(p)
		return frameHeaderLen, c.beginFrame()
	}
	f := c.frame
	switch f.typ {
	case frameData:
		return c.dataPiece(p)
	case frameHeaders, framePriority, frameResetStream, frameSettings, framePushPromise, framePing, frameGoAway, frameWindowUpdate, frameContinuation:
		if len(p) < f.length {
			return 0, nil
		}
		c.framed = false
		return f.length, c.whole(f, p[:f.length])
	}
	n = min(len(p), f.length)
	c.frame.length -= n
	c.framed = c.frame.length > 0
	return n, nil
}

// beginFrame judges a frame by its head.
func (c *Conn) beginFrame() error {
	f := c.frame
	switch {
	case !c.greeted && (f.typ != frameSettings || f.has(flagAck)):
		return connError(ProtocolError, "first frame is not SETTINGS")
	case c.block.open && (f.typ != frameContinuation || f.stream != c.block.stream):
		return connError(ProtocolError, "frame within a header block")
	case !c.block.open && f.typ == frameContinuation:
		return connError(ProtocolError, "CONTINUATION without a header block")
	}
	err := f.check()
	c.framed = f.length > 0 || f.typ <= frameContinuation
	if err != nil { // of a stream: the payload is to be skipped
		c.frame.typ = frameSkip
		c.framed = f.length > 0
		return err
	}
	switch {
	case f.typ == frameData:
		return c.beginData(f)
	case f.typ > frameContinuation:
		return c.cost.spend(costFrame)
	case f.length == 0: // nothing more comes that would call for it
		c.framed = false
		return c.whole(f, nil)
	}
	return nil
}

// frameSkip is no type of RFC 9113: such frames are ignored.
const frameSkip frameType = 0xff

// whole handles a frame that has come to its end.
func (c *Conn) whole(f frame, p []byte) error {
	switch f.typ {
	case frameHeaders:
		return c.headers(f, p)
	case frameContinuation:
		return c.continuation(f, p)
	case framePriority: // means nothing any more (RFC 9113 section 5.3)
		if binary.BigEndian.Uint32(p)&maxStream == f.stream {
			return streamError(f.stream, ProtocolError, "stream depends on itself")
		}
		return c.cost.spend(costFrame)
	case frameResetStream:
		return c.resetStream(f, p)
	case frameSettings:
		return c.settings(f, p)
	case framePing:
		return c.ping(f, p)
	case frameGoAway:
		return c.goAway(p)
	case frameWindowUpdate:
		return c.window(f, p)
	}
	return connError(ProtocolError, "PUSH_PROMISE is not allowed")
}

// idle reports whether a stream was never opened.
func (c *Conn) idle(id uint32) bool {
	return id > c.lastID || id%2 == 0
}

func (c *Conn) resetStream(f frame, p []byte) error {
	s := c.streams[f.stream]
	if s == nil {
		if c.idle(f.stream) {
			return connError(ProtocolError, "RST_STREAM on a stream that was never opened")
		}
		return c.cost.spend(costFrame)
	}
	code := ErrCode(binary.BigEndian.Uint32(p))
	s.refused = code == RefusedStream && !s.headCame
	c.remove(s, byPeer)
	c.h.Reset(s, code)
	return c.cost.spend(costReset)
}

func (c *Conn) settings(f frame, p []byte) error {
	if f.has(flagAck) {
		return nil
	}
	first := !c.greeted
	c.greeted = true
	delta, err := c.peer.apply(p, c.role)
	if err != nil {
		return err
	}
	if delta != 0 {
		for _, s := range c.streams {
			if s.sendWindow += delta; s.sendWindow > maxStream {
				return connError(FlowControlError, "window of a stream exceeds 2^31-1")
			}
		}
		if delta > 0 {
			c.h.Window(nil)
		}
	}
	c.out = appendFrame(c.out, 0, frameSettings, flagAck, 0)
	if first {
		return nil
	}
	return c.cost.spend(costSettings)
}

func (c *Conn) ping(f frame, p []byte) error {
	if f.has(flagAck) {
		if bytes.Equal(p, []byte(pingData)) {
			c.h.Pong()
		}
		return nil
	}
	c.out = append(appendFrame(c.out, 8, framePing, flagAck, 0), p...)
	return c.cost.spend(costPing)
}

// goAway notes that the peer wants no more streams. Those of ours that it will not handle can be sent elsewhere.
func (c *Conn) goAway(p []byte) error {
	c.leaving = true
	if c.role == Client {
		last := binary.BigEndian.Uint32(p) & maxStream
		for id, s := range c.streams {
			if id > last {
				s.refused = !s.headCame
				c.remove(s, byPeer)
				c.h.Reset(s, RefusedStream)
			}
		}
	}
	return c.cost.spend(costFrame)
}

func (c *Conn) window(f frame, p []byte) error {
	n := int64(binary.BigEndian.Uint32(p) & maxStream)
	if f.stream == 0 {
		if n == 0 {
			return connError(ProtocolError, "WINDOW_UPDATE of 0")
		}
		if c.sendWindow += n; c.sendWindow > maxStream {
			return connError(FlowControlError, "window of the connection exceeds 2^31-1")
		}
		if c.sendWindow-n < maxFrame { // streams may wait for it
			c.h.Window(nil)
		}
		return c.spendWindow(n)
	}
	s := c.streams[f.stream]
	switch {
	case s == nil && c.idle(f.stream):
		return connError(ProtocolError, "WINDOW_UPDATE on a stream that was never opened")
	case s == nil: // it may have been on its way
		return c.cost.spend(costFrame)
	case n == 0:
		return streamError(f.stream, ProtocolError, "WINDOW_UPDATE of 0")
	case s.sendWindow+n > maxStream:
		return streamError(f.stream, FlowControlError, "window of a stream exceeds 2^31-1")
	}
	s.sendWindow += n
	c.h.Window(s)
	return c.spendWindow(n)
}

// spendWindow pays for a window that grows by little.
func (c *Conn) spendWindow(n int64) error {
	if n >= worthy {
		return nil
	}
	return c.cost.spend(costFrame)
}
