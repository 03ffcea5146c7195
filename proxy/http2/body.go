package http2

// beginData takes a DATA frame in by its head: the windows count all of it, padding too (RFC 9113 section 6.9.1).
func (c *Conn) beginData(f frame) error {
	c.data = data{left: f.length}
	s := c.streams[f.stream]
	if s == nil && c.idle(f.stream) {
		return connError(ProtocolError, "DATA on a stream that was never opened")
	}
	if c.recvWindow -= int64(f.length); c.recvWindow < 0 {
		return connError(FlowControlError, "more DATA than the window of the connection")
	}
	var err error
	switch {
	case s == nil:
		if how := c.closed.find(f.stream); how != byUs {
			err = streamError(f.stream, StreamClosed, "DATA on a stream that is closed")
		}
	case s.remoteEnd:
		err = streamError(f.stream, StreamClosed, "DATA behind the end of a stream")
	case !s.headCame:
		err = streamError(f.stream, ProtocolError, "DATA before the head of a response")
	default:
		if s.recvWindow -= int64(f.length); s.recvWindow < 0 {
			err = streamError(f.stream, FlowControlError, "more DATA than the window of the stream")
			break
		}
		c.data.s = s
	}
	if !f.has(flagPadded) {
		c.data.sized = true
		if c.data.left == 0 {
			c.framed = false
			if err == nil {
				err = c.endData()
			}
			if err == nil && !f.has(flagEndStream) {
				err = c.cost.spend(costEmpty)
			}
		}
	} else if f.length == 0 {
		return connError(FrameSizeError, "padded frame without the length of its padding")
	}
	return err
}

// dataPiece takes what there is of a DATA frame.
func (c *Conn) dataPiece(p []byte) (n int, err error) {
	d := &c.data
	if !d.sized {
		if len(p) == 0 {
			return 0, nil
		}
		d.sized = true
		d.pad = int(p[0])
		if d.left -= 1 + d.pad; d.left < 0 {
			return 0, connError(ProtocolError, "padding is longer than the frame")
		}
		c.repay(d.s, 1+d.pad)
		if d.left == 0 {
			if err := c.cost.spend(costEmpty); err != nil {
				return 0, err
			}
		}
		p, n = p[1:], 1
	}
	if k := min(len(p), d.left); k > 0 {
		if err := c.pass(d.s, p[:k]); err != nil {
			c.skipData(k)
			return n + k, err
		}
		d.left -= k
		p, n = p[k:], n+k
	}
	if k := min(len(p), d.pad); d.left == 0 && k > 0 {
		d.pad -= k
		n += k
	}
	if d.left == 0 && d.pad == 0 {
		c.framed = false
		return n, c.endData()
	}
	return n, nil
}

// skipData is what is left to do for a frame whose stream was refused at its first k bytes.
func (c *Conn) skipData(k int) {
	c.data.s = nil
	c.data.left -= k
	c.framed = c.data.left > 0 || c.data.pad > 0
}

// pass hands a piece of a body over.
func (c *Conn) pass(s *Stream, p []byte) error {
	if s == nil {
		c.refund(len(p))
		return nil
	}
	if s.expect >= 0 {
		if s.expect -= int64(len(p)); s.expect < 0 {
			c.refund(len(p))
			return streamError(s.id, ProtocolError, "body is longer than Content-Length")
		}
	}
	if len(p) >= worthy {
		c.cost.earn(earnData)
	}
	c.h.Data(s, p)
	return nil
}

// endData ends a DATA frame.
func (c *Conn) endData() error {
	s := c.data.s
	c.data.s = nil
	if s != nil && c.frame.has(flagEndStream) {
		return c.endRemote(s)
	}
	return nil
}

// Consumed gives n bytes of the body of s, which the driver was given, back to the peer's windows.
func (c *Conn) Consumed(s *Stream, n int) {
	if c.err == nil {
		c.repay(s, n)
	}
}

func (c *Conn) repay(s *Stream, n int) {
	c.refund(n)
	if s == nil || s.gone || s.remoteEnd {
		return
	}
	if s.unacked += n; s.unacked >= c.cfg.StreamWindow/2 {
		c.windowUpdate(s.id, s.unacked)
		s.recvWindow += int64(s.unacked)
		s.unacked = 0
	}
}

// refund is repay for the connection alone. The less window is left, because streams hold it that nobody reads, the sooner the others
// get theirs back.
func (c *Conn) refund(n int) {
	if c.unacked += n; c.unacked > 0 && int64(c.unacked) >= c.recvWindow && c.err == nil {
		c.windowUpdate(0, c.unacked)
		c.recvWindow += int64(c.unacked)
		c.unacked = 0
	}
}
