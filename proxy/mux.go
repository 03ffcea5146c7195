package proxy

import (
	"runtime"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/proxy/http2"
)

// mux is a connection that carries several streams (HTTP/2): the codec, what its
// streams share, and who writes. One goroutine reads; each stream has its own, which
// takes what came for it and leaves what it has to send in the codec; a flusher writes
// that, and is there only while there is something.
type mux struct {
	sock   *sock
	engine *Engine

	mu       sync.Mutex
	codec    *http2.Conn // guarded by mu
	flushing bool        // guarded by mu
	waiting  []*stream   // guarded by mu; wait for room in what is to be sent
	shut     bool        // guarded by mu; the peer's window is, because nobody takes what it sent
	reopened instant     // guarded by mu; when it was not any more
	flushed  uint64      // bytes of sock.out that were counted; the flusher's

	running   sync.WaitGroup // streams and the flusher
	flushFunc func()
	idle      time.Duration // how long the peer may take nothing
	stats     *counters     // nil: nobody counts
}

// What a connection may hold: outRoom bytes of bodies that wait to be sent, and what its
// windows let the peer send before somebody takes it.
const (
	outRoom    = 64 << 10
	maxStreams = 100
	headList   = 32 << 10

	// A client's uploads may wait for slow members: several of them leave room for others.
	frontStreamWindow = 128 << 10
	frontConnWindow   = 8 * frontStreamWindow
	// The streams of a member connection are those of different clients. However many of them
	// take nothing, the window of the connection has room for the rest.
	backStreamWindow = 64 << 10
	backConnWindow   = callsPerConn * backStreamWindow
)

func (m *mux) init(s *sock, e *Engine, role http2.Role, scheme string, h http2.Handler) {
	m.sock, m.engine = s, e
	m.flushFunc = m.flush
	cfg := http2.Config{MaxStreams: maxStreams, StreamWindow: frontStreamWindow, ConnWindow: frontConnWindow, HeadLimit: headList, Scheme: scheme}
	if role == http2.Client {
		cfg.StreamWindow, cfg.ConnWindow = backStreamWindow, backConnWindow
	}
	m.codec = http2.New(role, cfg, h)
}

// outBuffers hold what is to be sent. Only connections that have something hold one.
var outBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

// maxKeptOut is the capacity beyond which one is left to the collector.
const maxKeptOut = 256 << 10

// lock gives the caller the codec, with a buffer to write into.
func (m *mux) lock() {
	m.mu.Lock()
	if cap(m.codec.Out()) == 0 {
		m.codec.TakeOut(*outBuffers.Get().(*[]byte))
	}
}

// unlock gives it back, and sees to it that what was written is sent.
func (m *mux) unlock() {
	if shut := m.codec.Shut(); shut != m.shut {
		if m.shut = shut; !shut {
			m.reopened = now()
		}
	}
	out := m.codec.Out()
	switch {
	case m.flushing:
	case len(out) > 0:
		m.flushing = true
		m.running.Add(1)
		go m.flushFunc()
	default:
		putOut(m.codec.TakeOut(nil))
	}
	m.mu.Unlock()
}

func putOut(b []byte) {
	if cap(b) > 0 && cap(b) <= maxKeptOut {
		b = b[:0]
		outBuffers.Put(&b)
	}
}

// flush sends until there is nothing left.
func (m *mux) flush() {
	defer m.running.Done()
	// Those that are about to run may have something to add: one call instead of many.
	runtime.Gosched()
	var spare []byte
	for {
		m.mu.Lock()
		if len(m.codec.Out()) == 0 {
			m.flushing = false
			putOut(m.codec.TakeOut(nil))
			putOut(spare)
			m.mu.Unlock()
			return
		}
		out := m.codec.TakeOut(spare[:0])
		m.wakeWaiting()
		m.mu.Unlock()
		err := m.sock.writeAll(out, now().add(m.idle))
		if m.stats != nil {
			m.stats.bytesOut.Add(m.sock.out.total - m.flushed)
			m.flushed = m.sock.out.total
		}
		spare = out
		if err != nil {
			m.mu.Lock()
			m.codec.Close(err)
			m.codec.TakeOut(nil)
			m.wakeWaiting()
			m.mu.Unlock()
			m.sock.abort() // the reader ends
		}
	}
}

// wakeWaiting tells the streams that wait for room to look again. mu is held.
func (m *mux) wakeWaiting() {
	for i, st := range m.waiting {
		st.queued = false
		st.writable.signal()
		m.waiting[i] = nil
	}
	m.waiting = m.waiting[:0]
}

// waiter is where one goroutine waits for another one's signal. A signal may be
// about nothing: the one who waits looks again.
type waiter struct {
	ch    chan struct{} // holds one signal
	timer *time.Timer   // nil before the first use
}

func (w *waiter) signal() { signal(w.ch) }

// wait returns false when due has come.
func (w *waiter) wait(due instant) bool {
	select {
	case <-w.ch:
		return true
	default:
	}
	left := time.Duration(due - now())
	if left <= 0 {
		return false
	}
	if w.timer == nil {
		w.timer = time.NewTimer(left)
	} else {
		w.timer.Reset(left)
	}
	defer w.timer.Stop()
	select {
	case <-w.ch:
		return true
	case <-w.timer.C:
		return false
	}
}
