package http2

import (
	"encoding/binary"
	"time"

	"golang.org/x/net/http2/hpack"
)

// Role is the end of a connection that a [Conn] is.
type Role uint8

// The two ends.
const (
	Server Role = iota // answers requests
	Client             // sends them
)

// Config says how a connection is served. There are no defaults: a zero is a zero.
type Config struct {
	MaxStreams   int    // that the peer may have open at a time
	StreamWindow int    // bytes that may wait for us on one stream
	ConnWindow   int    // and on all of them
	HeadLimit    int    // bytes of a head, as RFC 9113 section 6.5.2 counts them, beyond which it is cut off
	Scheme       string // Client: what requests are sent for, http or https
}

// Handler is told what comes in, in order. It is called with the lock of the driver held and must not block.
type Handler interface {
	// Open returns a Stream for a new request; [Handler.Head] follows. nil: there is no room for it now, and the peer may send it again.
	// Only a Server is asked.
	Open() *Stream
	// Head has the head of a message as HTTP/1.1, which is not kept. cut: it was too large and is not whole. A Client gets interim heads
	// too. A body of unknown length is announced as chunked to a Server's handler, and not at all to a Client's.
	Head(s *Stream, head []byte, cut bool)
	// Data has a piece of the body, which is not kept. What became of it is told by [Conn.Consumed].
	Data(s *Stream, p []byte)
	// End tells that the peer has sent everything. A trailer section is in s.Trailer.
	End(s *Stream)
	// Reset tells that the stream ended before its end: nothing more comes and nothing more can be sent.
	Reset(s *Stream, code ErrCode)
	// Window tells that more may be sent on s; nil: on every stream.
	Window(s *Stream)
	// Pong answers [Conn.Ping].
	Pong()
}

// Conn is one end of a connection: what has come of frame and header block, streams, windows, and the bytes to be sent. Its methods are
// for one goroutine at a time.
type Conn struct {
	cfg  Config
	role Role
	h    Handler
	err  error // the end of the connection, once there is one

	out []byte // to be sent

	streams map[uint32]*Stream
	lastID  uint32 // the highest of those that were opened
	active  int    // streams that were opened and not released
	closed  ring   // the last that are not in streams any more
	leaving bool   // the peer sent GOAWAY
	going   bool   // we sent GOAWAY
	final   bool   // and what it named counts

	peer       settings
	sendWindow int64
	recvWindow int64 // what the peer may still send
	unacked    int   // consumed and not yet given back

	// What is being received.
	greeted bool // the preface has come, and SETTINGS
	begun   bool // the preface has come
	framed  bool // frame has come, its payload has not
	frame   frame
	data    data
	block   pending

	dec  *hpack.Decoder
	head *head // while a header block is decoded

	cost cost
}

// pending is a header block that has not come to its end.
type pending struct {
	open   bool
	stream uint32
	last   bool // END_STREAM
	self   bool // it depends on itself: decoded, then refused
	frames int
	b      []byte
}

// Preface is what a client begins with (RFC 9113 section 3.4).
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// New returns an end of a connection whose preface is to be sent.
func New(role Role, cfg Config, h Handler) *Conn {
	c := &Conn{
		cfg: cfg, role: role, h: h,
		streams:    make(map[uint32]*Stream),
		peer:       defaultSettings(),
		sendWindow: defaultWindow,
		recvWindow: int64(max(cfg.ConnWindow, defaultWindow)),
		begun:      role == Client,
	}
	c.dec = hpack.NewDecoder(tableSize, func(f hpack.HeaderField) { c.head.add(f) })
	if role == Client {
		c.out = append(c.out, Preface...)
	}
	var b []byte
	if role == Server {
		b = appendSetting(b, settingMaxStreams, uint32(cfg.MaxStreams))
		b = appendSetting(b, settingEnableConnect, 1)
	} else {
		b = appendSetting(b, settingEnablePush, 0)
	}
	b = appendSetting(b, settingInitialWindow, uint32(cfg.StreamWindow))
	b = appendSetting(b, settingMaxHeaderListSize, uint32(cfg.HeadLimit))
	c.out = append(appendFrame(c.out, len(b), frameSettings, 0, 0), b...)
	if more := cfg.ConnWindow - defaultWindow; more > 0 {
		c.windowUpdate(0, more)
	}
	return c
}

// tableSize is the size of the decoder's table: what every peer may use unasked (RFC 7541 section 4.2).
const tableSize = 4096

// Receive takes what came from the peer, at a time that never goes back, and returns how much of p it took; the rest has to come again
// with more behind it. It asks for [BufferSize] bytes at most at a time. An error is the end of the connection: send what [Conn.Out]
// has, then close. It stays.
func (c *Conn) Receive(p []byte, at time.Duration) (n int, err error) {
	c.cost.pass(at)
	for c.err == nil {
		k, err := c.step(p[n:])
		n += k
		switch {
		case err != nil:
			c.refuse(err)
		case k == 0:
			return n, nil
		}
		if len(c.out) > maxBacklog {
			c.refuse(connError(EnhanceYourCalm, "peer does not read what it asks for"))
		}
	}
	return n, c.err
}

// BufferSize is what a driver must be able to hold of what it receives: the largest payload.
const BufferSize = maxFrame

// maxBacklog bounds what waits to be sent: bodies are held back before, so it is answers to a flood of pings, settings or malformed requests.
const maxBacklog = 512 << 10

// Urgent reports whether the peer is in the middle of what it sends at once: a header block, or a frame other than a body.
func (c *Conn) Urgent() bool {
	return c.block.open || c.framed && c.frame.typ != frameData && c.frame.typ <= frameContinuation
}

// Unfinished reports whether the preface or a header block has begun and has not come to its end.
func (c *Conn) Unfinished() bool { return !c.greeted || c.block.open }

// Shut reports whether the peer may have to wait with DATA on every stream, until more of what it sent is consumed.
func (c *Conn) Shut() bool { return c.recvWindow < maxFrame }

// Greeted reports whether the peer has sent its preface and settings.
func (c *Conn) Greeted() bool { return c.greeted }

// Busy reports whether there are streams.
func (c *Conn) Busy() bool { return len(c.streams) > 0 || c.active > 0 }

// Streams is how many streams were opened and not released.
func (c *Conn) Streams() int { return c.active }

// Leaving reports whether the peer takes no more requests, or we do not.
func (c *Conn) Leaving() bool { return c.leaving || c.going }

// Final reports whether the last [Conn.GoAway] was final.
func (c *Conn) Final() bool { return c.final }

// Tired reports that the peer has done three quarters of what it may do in vain: it is time for [Conn.GoAway].
func (c *Conn) Tired() bool { return c.cost.tired() }

// Err is why the connection ended, nil while it has not.
func (c *Conn) Err() error { return c.err }

// Out returns what is to be sent. The driver takes it with [Conn.TakeOut].
func (c *Conn) Out() []byte { return c.out }

// TakeOut returns what is to be sent and goes on with buf, which must be empty.
func (c *Conn) TakeOut(buf []byte) []byte {
	out := c.out
	c.out = buf
	return out
}

// refuse ends what an error is about: a stream, or the connection.
func (c *Conn) refuse(err error) {
	e, ok := err.(*Error) //nolint:errorlint // ours, never wrapped
	if !ok {
		e = &Error{Code: InternalError, Reason: err.Error()}
	}
	if e.Stream == 0 {
		c.fail(e)
		return
	}
	if s := c.streams[e.Stream]; s != nil {
		c.reset(s, e.Code, true)
	} else {
		c.writeReset(e.Stream, e.Code)
		c.closed.add(e.Stream, byUs)
	}
	if err := c.cost.spend(costReset); err != nil {
		c.fail(err.(*Error)) //nolint:errorlint,forcetypeassert // ours
	}
}

// fail ends the connection.
func (c *Conn) fail(e *Error) {
	if c.err != nil {
		return
	}
	c.err = e
	c.writeGoAway(c.lastPeer(), e.Code)
	c.abandon(e.Code)
}

// Close ends the connection because its driver cannot go on: every stream is over. It may be called more than once.
func (c *Conn) Close(err error) {
	if c.err == nil {
		c.err = err
	}
	c.abandon(Cancel)
}

func (c *Conn) abandon(code ErrCode) {
	for _, s := range c.streams {
		c.remove(s, byUs)
		c.h.Reset(s, code)
	}
}

// GoAway tells the peer to open no more streams. The first time, final is false: streams that are on their way are still served. After
// the peer can know, final closes the door (RFC 9113 section 6.8).
func (c *Conn) GoAway(final bool) {
	if c.err != nil {
		return
	}
	switch {
	case final && !c.final:
		c.writeGoAway(c.lastPeer(), NoError)
	case !final && !c.going:
		c.writeGoAway(maxStream, NoError)
	}
	c.going, c.final = true, c.final || final
}

// Ping asks the peer for a sign, which is [Handler.Pong].
func (c *Conn) Ping() {
	if c.err == nil {
		c.out = append(appendFrame(c.out, 8, framePing, 0, 0), pingData...)
	}
}

// lastPeer is the highest stream that the peer opened.
func (c *Conn) lastPeer() uint32 {
	if c.role == Client {
		return 0
	}
	return c.lastID
}

const pingData = "amphora\n"

func (c *Conn) writeGoAway(last uint32, code ErrCode) {
	c.out = appendFrame(c.out, 8, frameGoAway, 0, 0)
	c.out = binary.BigEndian.AppendUint32(c.out, last)
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(code))
}

func (c *Conn) writeReset(id uint32, code ErrCode) {
	c.out = appendFrame(c.out, 4, frameResetStream, 0, id)
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(code))
}

func (c *Conn) windowUpdate(id uint32, n int) {
	c.out = appendFrame(c.out, 4, frameWindowUpdate, 0, id)
	c.out = binary.BigEndian.AppendUint32(c.out, uint32(n))
}
