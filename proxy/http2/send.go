package http2

// SendHead sends the head of an HTTP/1.1 message that p begins with, and returns how long it was. It opens the stream of a Client. An
// interim head may be followed by others. A body that the head excludes, or that is empty, ends the stream.
func (c *Conn) SendHead(s *Stream, p []byte) (n int, err error) {
	n = headEnd(p)
	if n == 0 {
		return 0, &Error{Stream: s.id, Code: InternalError, Reason: "head that is not whole"}
	}
	switch {
	case c.err != nil:
		s.refused = s.refused || c.role == Client && s.id == 0
		return 0, c.err
	case s.gone:
		return 0, &Error{Stream: s.id, Code: StreamClosed, Reason: "stream was reset"}
	}
	b, _ := blocks.Get().(*[]byte)
	defer blocks.Put(b)
	var sd said
	var end bool
	if c.role == Server {
		end, err = c.responseBlock(s, b, p[:n], &sd)
	} else {
		end, err = c.requestBlock(s, b, p[:n], &sd)
	}
	if err != nil {
		return 0, err
	}
	c.writeBlock(s, *b, end)
	if end {
		c.endLocal(s)
	}
	return n, nil
}

// responseBlock writes the head of a response into b and reports whether it is all there is.
func (c *Conn) responseBlock(s *Stream, b *[]byte, t text, sd *said) (end bool, err error) {
	*b = appendResponse(c.beginBlock(*b), t, sd)
	switch {
	case s.keyed && sd.status == 101 && !acceptsKey(s.key, sd.accept), s.keyed && sd.status/100 == 2:
		// 2xx would tell the client that its WebSocket is open (RFC 8441 section 5).
		*b = appendString(append(appendStatus(c.beginBlock(*b), 502), 0x0f, 28-15), []byte("0"))
		s.mute = true
		s.headSent = true
		return true, nil
	case sd.status < 200 && sd.status != 101:
		return false, nil
	}
	s.headSent = true
	s.owed = sd.length
	if sd.status == 101 {
		s.owed = -1
		return false, nil
	}
	return s.bodyless || sd.status == 204 || sd.status == 304 || sd.length == 0, nil
}

// requestBlock is responseBlock for a request, whose stream it opens.
func (c *Conn) requestBlock(s *Stream, b *[]byte, t text, sd *said) (end bool, err error) {
	if !c.CanOpen() {
		s.gone, s.refused = true, true
		return false, &Error{Code: RefusedStream, Reason: "connection takes no more requests"}
	}
	id := c.lastID + 2
	if c.lastID == 0 {
		id = 1
	}
	c.start(s, id)
	*b, s.bodyless = appendRequest(c.beginBlock(*b), t, c.cfg.Scheme, sd)
	s.headSent = true
	s.owed = sd.length
	return sd.length == 0 || sd.length < 0 && !sd.chunked, nil
}

// MaxOpen is how many streams a Client may have open at a time, as far as is known.
func (c *Conn) MaxOpen() int { return int(min(c.peer.maxStreams, uint32(c.cfg.MaxStreams))) }

// CanOpen reports whether a Client may send another request now.
func (c *Conn) CanOpen() bool {
	return c.err == nil && !c.Leaving() && c.lastID < maxStream-2 && c.active < c.cfg.MaxStreams && uint32(len(c.streams)) < c.peer.maxStreams
}

// beginBlock begins a header block. A peer that made its table smaller waits for our word that we know (RFC 7541 section 4.2).
func (c *Conn) beginBlock(b []byte) []byte {
	b = b[:0]
	if c.peer.shrunk {
		b = append(b, 0x20) // to nothing, which is what we use
	}
	return b
}

// writeBlock writes a header block in as many frames as it takes.
func (c *Conn) writeBlock(s *Stream, b []byte, end bool) {
	c.peer.shrunk = false
	typ, flags := frameHeaders, uint8(0)
	if end {
		flags = flagEndStream
	}
	for {
		n := min(len(b), c.peer.maxFrame)
		if n == len(b) {
			flags |= flagEndHeaders
		}
		c.out = append(appendFrame(c.out, n, typ, flags, s.id), b[:n]...)
		if b = b[n:]; len(b) == 0 {
			return
		}
		typ, flags = frameContinuation, 0
	}
}

// SendData sends as much of p as the windows let, up to most bytes, and returns how much that was. Bytes beyond what the head
// announced are dropped. end: p is the end of the body.
func (c *Conn) SendData(s *Stream, p []byte, most int, end bool) (n int, err error) {
	switch {
	case c.err != nil:
		return 0, c.err
	case s.gone:
		return 0, &Error{Stream: s.id, Code: StreamClosed, Reason: "stream was reset"}
	case s.localEnd || s.mute:
		return len(p), nil
	}
	for {
		k := min(len(p)-n, most-n, c.peer.maxFrame, int(min(s.sendWindow, c.sendWindow, maxStream)))
		if s.owed >= 0 {
			k = int(min(int64(k), s.owed))
		}
		if k <= 0 && (n < len(p) || !end) {
			break
		}
		k = max(k, 0)
		s.sendWindow -= int64(k)
		c.sendWindow -= int64(k)
		last := end && n+k == len(p)
		if s.owed >= 0 {
			s.owed -= int64(k)
			last = last || s.owed == 0
		}
		flags := uint8(0)
		if last {
			flags = flagEndStream
		}
		c.out = append(appendFrame(c.out, k, frameData, flags, s.id), p[n:n+k]...)
		if k >= worthy || last {
			c.cost.earn(earnData)
		}
		if n += k; last {
			c.endLocal(s)
			return len(p), nil
		}
	}
	return n, nil
}

// SendTrailer ends the body of s with a trailer section, given as field lines of HTTP/1.1.
func (c *Conn) SendTrailer(s *Stream, lines []byte) error {
	if c.err != nil || s.gone || s.localEnd || s.mute {
		return c.err
	}
	b, _ := blocks.Get().(*[]byte)
	defer blocks.Put(b)
	var sd said
	*b = appendFields(c.beginBlock(*b), lines, &sd, false)
	c.writeBlock(s, *b, true)
	c.endLocal(s)
	return nil
}

func (c *Conn) endLocal(s *Stream) {
	s.localEnd = true
	c.settle(s)
}
