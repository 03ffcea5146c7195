package proxy

import "sync"

// bufferSize holds the largest head that is accepted, and makes a read and a
// write of bulk data cost more for the bytes than for the call.
const bufferSize = 16 << 10

// buffer is bytes received and not yet consumed: b[r:w].
type buffer struct {
	r, w int
	b    [bufferSize]byte
}

// buffers is shared by all engines of the process: it holds no state, only
// memory. The collector may empty it at any time.
var buffers = sync.Pool{New: func() any { return new(buffer) }}

func getBuffer() *buffer {
	return buffers.Get().(*buffer)
}

func putBuffer(b *buffer) {
	b.r, b.w = 0, 0
	buffers.Put(b)
}

func (b *buffer) len() int      { return b.w - b.r }
func (b *buffer) bytes() []byte { return b.b[b.r:b.w] }
func (b *buffer) free() []byte  { return b.b[b.w:] }
func (b *buffer) full() bool    { return b.w == len(b.b) }

// consume drops the first n bytes. An empty buffer begins anew at its start.
func (b *buffer) consume(n int) {
	b.r += n
	if b.r == b.w {
		b.r, b.w = 0, 0
	}
}

// compact moves what is left to the start, to make room behind it.
func (b *buffer) compact() {
	if b.r > 0 {
		b.w = copy(b.b[:], b.b[b.r:b.w])
		b.r = 0
	}
}
