package proxy

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/flowlog"
)

// pages is a target of logs that keeps the lines.
type pages struct {
	mu    sync.Mutex
	lines []string
}

func (p *pages) Write(_ context.Context, lines []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range bytes.Lines(lines) {
		p.lines = append(p.lines, strings.TrimSuffix(string(l), "\n"))
	}
	return len(lines), nil
}

func (*pages) Close() error   { return nil }
func (*pages) String() string { return "pages:" }

// line waits for line i and returns its fields; what is quoted has no spaces here.
func (p *pages) line(t *testing.T, i int) []string {
	t.Helper()
	var fields []string
	testenv.Eventually(t, limit, func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.lines) <= i {
			return fmt.Errorf("%d lines, want %d", len(p.lines), i+1)
		}
		fields = strings.Fields(p.lines[i])
		return nil
	})
	return fields
}

func logging(format flowlog.Format) (*pages, Config) {
	p := new(pages)
	return p, Config{Logs: []*flowlog.Log{flowlog.New(flowlog.Config{Format: format, Targets: []flowlog.Target{p}})}}
}

// Every request makes a line that says what the client asked, what it got, from whom, and
// how it ended.
func TestFlowLogOfRequests(t *testing.T) {
	p, cfg := logging(flowlog.Octavia)
	f := newFrontWith(t, cfg, 1, nil)
	c := f.client()
	c.send("GET /x HTTP/1.1\nHost: a\n\n")
	m := f.member(0)
	m.wantHead("GET /x HTTP/1.1")
	m.send("HTTP/1.1 201 Created\nContent-Length: 2\n\n")
	write(t, m, "ok")
	c.wantHead("HTTP/1.1 201 Created")
	c.wantBody("ok")
	want := func(i int, request, status, member, end string) {
		t.Helper()
		got := p.line(t, i)
		line := strings.Join(got, " ")
		pool := string(f.pool) + ":" + string(f.listener)
		if member == "-" {
			member = string(f.ids[0])
		}
		if got[1] != string(f.lb) || got[2] != string(f.listener) || !strings.Contains(line, ` "`+request+`" `+status+" ") ||
			!strings.Contains(line, ` "" `+pool+" "+member+" ") || got[len(got)-1] != end {
			t.Errorf("line %d: %s", i, line)
		}
	}
	want(0, "GET /x HTTP/1.1", "201", "-", "----")
	got := p.line(t, 0)
	if at := addrOf(c.LocalAddr()); got[3] != at.Addr().String() || got[4] != fmt.Sprint(at.Port()) {
		t.Errorf("client is %s %s, want %v", got[3], got[4], at)
	}
	if in := len("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"); got[11] != fmt.Sprint(in) {
		t.Errorf("%s bytes from the client, want %d", got[11], in)
	}
	c.send("GET /y HTTP/1.1\nHost: a\n\n")
	m.wantHead("GET /y HTTP/1.1")
	m.send("HTTP/1.1 200 OK\nbad\n\n")
	c.wantHead("HTTP/1.1 502 Bad Gateway")
	want(1, "GET /y HTTP/1.1", "502", "-", "PH--")
	f.do(lb.CreateL7Policy{Spec: lb.L7PolicySpec{
		ListenerID: lb.Some(f.listener), Action: lb.Some(lb.L7RedirectToURL), RedirectURL: lb.Some("http://b/"),
		Rules: []lb.L7RuleSpec{{Type: lb.Some(lb.L7Path), Compare: lb.Some(lb.L7EqualTo), Value: lb.Some("/z")}},
	}})
	c = f.client()
	c.send("GET /z HTTP/1.1\nHost: a\n\n")
	c.wantHead("HTTP/1.1 302 Found")
	if got := p.line(t, 2); got[len(got)-1] != "LR--" || got[9] != "302" {
		t.Errorf("a redirect: %v", got)
	}
	bad := f.client()
	bad.send("GET / HTTP/1.1\n\n")
	bad.wantHead("HTTP/1.1 400 Bad Request")
	if got := p.line(t, 3); got[6] != `"<BADREQ>"` || got[7] != "400" || got[len(got)-1] != "PR--" {
		t.Errorf("a bad request: %v", got)
	}
}

func TestFlowLogOfTCP(t *testing.T) {
	p, cfg := logging(flowlog.Octavia)
	r := newRig(t, cfg)
	o := newOrigin(t)
	id, pool, members := r.serve(lb.ProtocolTCP, 7, nil, o.addr)
	c := r.dial(7)
	write(t, c, "hello")
	m := o.accept()
	readN(t, m, 5)
	write(t, m, "hi")
	_ = m.Close()
	_ = c.CloseWrite()
	readAll(t, c)
	got := p.line(t, 0)
	want := []string{`"-"`, "-", "2", "5", "-", `""`, string(pool) + ":" + string(id), string(members[0])}
	if strings.Join(got[6:14], " ") != strings.Join(want, " ") || got[15] != "----" || len(got) != 16 {
		t.Errorf("got %v, want %v in it", got, want)
	}
}

// A log that is on allocates nothing per request either.
func TestNoAllocationPerLoggedRequest(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIPPED: the race detector makes pools lose what they hold")
	}
	for _, format := range []flowlog.Format{flowlog.Octavia, flowlog.JSON} {
		null := &flowlog.File{Path: "/dev/null"}
		f := newFrontWith(t, Config{Logs: []*flowlog.Log{flowlog.New(flowlog.Config{Format: format, Targets: []flowlog.Target{null}})}}, 0, nil)
		f.rig.member(f.pool, newSmallMember(t))
		wantNoAllocation(t, newSmallClient(t, f, smallRequest))
	}
}
