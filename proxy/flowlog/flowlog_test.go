package flowlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

var at = time.Date(2026, 11, 24, 1, 15, 12, 7_900_000, time.UTC)

func full() *Record {
	return &Record{
		Project: "p", LoadBalancer: "b", Listener: "l", Pool: "q", Member: "m",
		Client: netip.MustParseAddrPort("[2001:db8::1]:4711"), Duration: 12345 * time.Microsecond, BytesIn: 7, BytesOut: 42, End: EndOK,
		HTTP: true, Method: []byte("GET"), Target: []byte("/x?y=1"), Host: []byte("www.example.com"), Proto: "HTTP/1.1", Status: 200,
	}
}

func TestOctavia(t *testing.T) {
	for want, edit := range map[string]func(*Record){
		`p b l 2001:db8::1 4711 24/Nov/2026:01:15:12.007 "GET /x?y=1 HTTP/1.1" 200 42 7 - "" q:l m 12 ----`: func(*Record) {},
		`p b l 192.0.2.1 80 24/Nov/2026:01:15:12.007 "-" - 42 7 - "" q:l m 12 CD--`: func(r *Record) {
			*r = Record{
				Project: "p", LoadBalancer: "b", Listener: "l", Pool: "q", Member: "m", Client: netip.MustParseAddrPort("192.0.2.1:80"),
				Duration: r.Duration, BytesIn: 7, BytesOut: 42, End: EndClientBody,
			}
		},
		`- b l 2001:db8::1 4711 24/Nov/2026:01:15:12.007 "<BADREQ>" 400 42 7 - "" - - 12 PR--`: func(r *Record) {
			r.Project, r.Pool, r.Member, r.Method, r.Status, r.End = "", "", "", nil, 400, EndBadRequest
		},
		`p b l 2001:db8::1 4711 24/Nov/2026:01:15:12.007 "GET /#22#20#0A#23#5C#FF HTTP/1.1" 200 42 7 0 "/CN=a#22b" q:l m 12 ----`: func(r *Record) {
			r.Target, r.Verified, r.Subject = []byte("/\"\x20\n#\\\xff"), true, `/CN=a"b`
		},
	} {
		r := full()
		edit(r)
		want = strings.ReplaceAll(want, "#20", " ")
		if got := string(Octavia.append(nil, r, new(clock), at)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// field is one of the 16 as a shell splits them.
var field = regexp.MustCompile(`"[^"]*"|[^ "]+`)

// Whatever a client sends, a line has 16 fields, and is one line; as JSON it is an object
// with what was sent, as far as that is UTF-8.
func FuzzLines(f *testing.F) {
	f.Add([]byte("GET"), []byte("/\"\\\n"), []byte("\xff\x00"))
	f.Add([]byte{}, []byte(strings.Repeat("é", maxField)), []byte("#"))
	f.Fuzz(func(t *testing.T, method, target, host []byte) {
		r := full()
		if bytes.ContainsAny(method, " ") || bytes.ContainsAny(target, " ") {
			return // the parser lets none through
		}
		r.Method, r.Target, r.Host, r.Verified, r.Subject = method, target, host, true, string(host)
		line := Octavia.append(nil, r, new(clock), at)
		if n := len(field.FindAll(line, -1)); n != 16 || bytes.ContainsAny(line, "\n\r\x00") {
			t.Errorf("%d fields: %q", n, line)
		}
		line = JSON.append(nil, r, nil, at)
		var got map[string]any
		if err := json.Unmarshal(line, &got); err != nil || bytes.ContainsAny(line, "\n\r\x00") {
			t.Fatalf("%q: %v", line, err)
		}
		if want := strings.ToValidUTF8(string(host[:min(len(host), maxField)]), "\uFFFD"); want != "" && len(host) == len(want) && got["host"] != want {
			t.Errorf("host is %q, want %q", got["host"], want)
		}
	})
}

func TestJSON(t *testing.T) {
	r := full()
	r.TLS, r.ServerName = "TLSv1.3", "www.example.com"
	want := `{"time":"2026-11-24T01:15:12.007Z","project_id":"p","loadbalancer_id":"b","listener_id":"l","client":"2001:db8::1","client_port":4711,` +
		`"method":"GET","host":"www.example.com","target":"/x?y=1","protocol":"HTTP/1.1","status":200,"tls_version":"TLSv1.3",` +
		`"server_name":"www.example.com","pool_id":"q","member_id":"m","bytes_in":7,"bytes_out":42,"duration_us":12345,"end":"--"}`
	if got := string(JSON.append(nil, r, nil, at)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The time of every record is its own, though most of its text is kept.
func TestClock(t *testing.T) {
	var c clock
	for _, d := range []time.Duration{0, time.Millisecond, 993 * time.Millisecond, time.Second, -time.Hour, 400 * 24 * time.Hour} {
		want := at.Add(d).Format("02/Jan/2006:15:04:05.000")
		if got := string(c.append(nil, at.Add(d).In(time.FixedZone("", 3600)))); got != want {
			t.Errorf("after %v: %s, want %s", d, got, want)
		}
	}
}

// memory is a target under the test's control.
type memory struct {
	mu    sync.Mutex
	lines []string
	err   error // what Write returns
	block chan struct{}
}

func (m *memory) set(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *memory) got() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.lines)
}

func (m *memory) Write(_ context.Context, lines []byte) (int, error) {
	if m.block != nil {
		<-m.block
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return 0, m.err
	}
	for l := range bytes.Lines(lines) {
		m.lines = append(m.lines, string(l))
	}
	return len(lines), nil
}

func (m *memory) Close() error   { return nil }
func (m *memory) String() string { return "memory:" }

// start runs a log until the returned function is called.
func start(cfg Config) (*Log, func()) {
	l := New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); l.Run(ctx) }()
	return l, func() { cancel(); <-done }
}

// A target that hangs holds up nobody: what does not fit into the queue is dropped and
// counted, and the rest is there in the end.
func TestFullQueueDropsAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{block: make(chan struct{})}
		l, stop := start(Config{Targets: []Target{m}, Queue: 100})
		for i := range 250 {
			l.Add(full(), uint64(i))
		}
		synctest.Wait()
		if l.Dropped() != 150 {
			t.Errorf("%d were dropped, want 150", l.Dropped())
		}
		close(m.block)
		<-time.After(time.Second) // of the bubble's clock
		if n := m.got(); n != 100 {
			t.Errorf("%d lines were written, want 100", n)
		}
		l.Add(full(), 0) // there is room again
		stop()
		if n := m.got(); n != 101 || l.Dropped() != 150 {
			t.Errorf("%d lines were written, %d dropped, want 101 and 150", n, l.Dropped())
		}
	})
}

func TestFailoverOfTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := &memory{err: errors.New("down")}, new(memory)
		l, stop := start(Config{Targets: []Target{first, second}})
		l.Add(full(), 0)
		<-time.After(time.Second)
		if second.got() != 1 {
			t.Error("the second target did not take over")
		}
		first.set(nil)
		l.Add(full(), 0)
		<-time.After(time.Second)
		if second.got() != 2 {
			t.Error("the first target is used again too early")
		}
		<-time.After(defaultFailBack)
		l.Add(full(), 0)
		<-time.After(time.Second)
		if first.got() != 1 {
			t.Error("the first target is not used again")
		}
		first.set(errors.New("down"))
		second.set(errors.New("down"))
		l.Add(full(), 0)
		<-time.After(10 * defaultRetry)
		second.set(nil)
		<-time.After(defaultRetry + time.Second)
		if second.got() != 3 || l.Dropped() != 0 {
			t.Errorf("after an outage of both: %d lines, %d dropped", second.got(), l.Dropped())
		}
		second.set(errors.New("down"))
		l.Add(full(), 0)
		stop()
		if l.Dropped() != 1 {
			t.Errorf("%d were dropped at the end, want 1", l.Dropped())
		}
	})
}

func TestFileThatIsMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flow.log")
	f := &File{Path: path}
	defer f.Close()
	write := func(s string) {
		t.Helper()
		if n, err := f.Write(t.Context(), []byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	write("one\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write("two\n") // within the second
	f.looked = time.Time{}
	write("three\n")
	for name, want := range map[string]string{path: "three\n", path + ".1": "one\ntwo\n"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s has %q, %v, want %q", name, got, err, want)
		}
	}
	missing := &File{Path: filepath.Join(path, "no", "such")}
	if _, err := missing.Write(t.Context(), []byte("x\n")); err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("a path that cannot be: %v", err)
	}
}

var message = regexp.MustCompile(`^<134>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ amphora-flow \d+ - - (one|two)$`)

func TestSyslog(t *testing.T) {
	testenv.NoLeaks(t)
	t.Run("udp", func(t *testing.T) {
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s := NewSyslog("udp", c.LocalAddr().String(), 16, "amphora-flow")
		defer s.Close()
		if n, err := s.Write(t.Context(), []byte("one\ntwo\n")); n != 8 || err != nil {
			t.Fatal(n, err)
		}
		b := make([]byte, 1000)
		for _, want := range []string{"one", "two"} {
			n, err := c.Read(b)
			if m := message.FindSubmatch(b[:n]); err != nil || m == nil || string(m[1]) != want {
				t.Errorf("got %q, %v", b[:n], err)
			}
		}
	})
	t.Run("tcp", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		s := NewSyslog("tcp", ln.Addr().String(), 16, "amphora-flow")
		if n, err := s.Write(t.Context(), []byte("one\ntwo\n")); n != 8 || err != nil {
			t.Fatal(n, err)
		}
		_ = s.Close()
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		all, _ := io.ReadAll(c)
		r := bytes.NewReader(all)
		for _, want := range []string{"one", "two"} {
			var n int
			if _, err := fmt.Fscanf(r, "%d ", &n); err != nil {
				t.Fatalf("%q: %v", all, err)
			}
			b := make([]byte, n)
			_, err := io.ReadFull(r, b)
			if m := message.FindSubmatch(b); err != nil || m == nil || string(m[1]) != want {
				t.Errorf("got %q, %v", b, err)
			}
		}
		_ = ln.Close()
		if n, err := s.Write(t.Context(), []byte("one\n")); n != 0 || err == nil {
			t.Errorf("nobody listens: %d, %v", n, err)
		}
	})
}

func TestJournald(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	j := NewJournald("amphora-flow")
	j.addr = path
	defer j.Close()
	if n, err := j.Write(t.Context(), []byte("one\n")); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	b := make([]byte, 1000)
	n, err := c.Read(b)
	if want := "PRIORITY=6\nSYSLOG_IDENTIFIER=amphora-flow\nMESSAGE=one\n"; err != nil || string(b[:n]) != want {
		t.Errorf("got %q, %v", b[:n], err)
	}
}

// Adding a record allocates nothing.
func TestAddDoesNotAllocate(t *testing.T) {
	for _, format := range []Format{Octavia, JSON} {
		l := New(Config{Format: format})
		r := full()
		var spare []byte
		n := testing.AllocsPerRun(5000, func() {
			l.Add(r, 3)
			s := &l.shards[3]
			s.lines, spare = spare[:0], s.lines // as the writer does
			l.waiting.Store(0)
		})
		if n > 0 {
			t.Errorf("format %d: %v allocations", format, n)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	l := New(Config{Queue: 1 << 30})
	r := full()
	b.ReportAllocs()
	for b.Loop() {
		l.Add(r, 3)
		l.shards[3].lines = l.shards[3].lines[:0]
	}
}
