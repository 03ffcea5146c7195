package proxy

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	xhttp2 "golang.org/x/net/http2"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/http2"
)

// smallStreams sends small requests, so many at a time, on one connection of HTTP/2. It
// allocates nothing for it.
type smallStreams struct {
	c       net.Conn
	id      uint32
	request []byte // frames of a round
	frame   int    // length of one
	buf     []byte
}

func newSmallStreams(t testing.TB, f *front, streams int) *smallStreams {
	t.Helper()
	c := &smallStreams{c: f.dial(8080), id: 1}
	// The first request puts what it says into the table; the others name that.
	write(t, c.c, http2.Preface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00"+"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\x00\x00\x00"+
		"\x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x01a")
	r := bufio.NewReader(c.c)
	fr := xhttp2.NewFramer(nil, r)
	size := 0
	for ended := false; !ended; {
		f, err := fr.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if h := f.Header(); h.StreamID == 1 {
			size += 9 + int(h.Length)
			ended = h.Flags.Has(xhttp2.FlagDataEndStream)
		}
	}
	one := []byte("\x00\x00\x04\x01\x05\x00\x00\x00\x00\x82\x86\x84\xbe")
	c.frame = len(one)
	for range streams {
		c.request = append(c.request, one...)
	}
	c.buf = make([]byte, streams*size)
	return c
}

func (c *smallStreams) do() error {
	for i := 0; i < len(c.request); i += c.frame {
		c.id += 2
		binary.BigEndian.PutUint32(c.request[i+5:], c.id)
	}
	if _, err := c.c.Write(c.request); err != nil {
		return err
	}
	_, err := io.ReadFull(c.c, c.buf)
	return err
}

// A request of HTTP/2 allocates a few times, however large or many they are.
func TestHTTP2AllocationsPerRequest(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIPPED: the race detector makes pools lose what they hold")
	}
	f := newFront(t, 0, func(s *lb.ListenerSpec) {
		s.InsertHeaders = lb.Some(map[string]string{"X-Forwarded-For": "true"})
	})
	f.rig.member(f.pool, newSmallMember(t))
	c := newSmallStreams(t, f, 1)
	wantAllocations(t, c.c, c.do, 4)
}

func BenchmarkHTTP2Small(b *testing.B) {
	for _, streams := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			f := newFront(b, 0, nil)
			f.rig.member(f.pool, newSmallMember(b))
			c := newSmallStreams(b, f, streams)
			b.ReportAllocs()
			for i := 0; i < b.N; i += streams {
				if err := c.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
