package spread

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/amphora-lb/amphora/internal/testenv"
)

const wait = 10 * time.Second

// memory remembers lines. It stands for an engine.
type memory struct {
	mu    sync.Mutex
	lines map[string]bool // told or not
	heard map[string]bool
	calls int
	limit int // the largest that was asked for
}

func newMemory(lines ...string) *memory {
	m := &memory{lines: map[string]bool{}, heard: map[string]bool{}}
	for _, l := range lines {
		m.lines[l] = false
	}
	return m
}

func (m *memory) StickyChanges(limit int) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limit = max(m.limit, limit)
	for l, told := range m.lines {
		if !told {
			m.lines[l] = true
			return []byte(l) // one at a time
		}
	}
	return nil
}

func (m *memory) MergeSticky(batch []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if bytes.HasPrefix(batch, []byte("bad")) {
		return errors.New("cannot be read")
	}
	m.heard[string(batch)] = true
	return nil
}

func (m *memory) RetellSticky() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for l := range m.lines {
		m.lines[l] = false
	}
}

func (m *memory) learn(l string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines[l] = false
}

func (m *memory) knows(lines ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range lines {
		if !m.heard[l] {
			return fmt.Errorf("it has not heard %q, only %v", l, m.heard)
		}
	}
	return nil
}

// amphora is a node that can be told, and can be restarted.
type amphora struct {
	t    *testing.T
	stop func()
	mu   sync.Mutex
	ln   *bufconn.Listener // guarded by mu; nil: it is down
}

func newAmphora(t *testing.T, m *memory) *amphora {
	a := &amphora{t: t}
	a.start(m)
	t.Cleanup(func() { a.stop() })
	return a
}

// start runs a process; m nil: of a version that cannot be told.
func (a *amphora) start(m *memory) {
	ln, srv, done := bufconn.Listen(1<<16), grpc.NewServer(), make(chan struct{})
	if m != nil {
		Register(srv, m)
	}
	go func() { defer close(done); _ = srv.Serve(ln) }()
	a.mu.Lock()
	a.ln = ln
	a.mu.Unlock()
	a.stop = func() {
		a.mu.Lock()
		a.ln = nil
		a.mu.Unlock()
		srv.Stop()
		<-done
	}
}

func (a *amphora) connect(ctx context.Context, _ string) (net.Conn, error) {
	a.mu.Lock()
	ln := a.ln
	a.mu.Unlock()
	if ln == nil {
		return nil, errors.New("it is down")
	}
	return ln.DialContext(ctx)
}

func (a *amphora) client() grpc.ClientConnInterface {
	conn, err := grpc.NewClient("passthrough:///"+a.t.Name(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(a.connect))
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// spreadTo runs a Spreader that tells those amphorae.
func spreadTo(t *testing.T, m *memory, peers ...*amphora) {
	conns := map[string]grpc.ClientConnInterface{}
	var ids []string
	for i, p := range peers {
		id := fmt.Sprint(i)
		conns[id], ids = p.client(), append(ids, id)
	}
	s := New(Config{
		Memory: m, Peers: func() []string { return ids }, Logger: slog.New(slog.DiscardHandler),
		Dial: func(_ context.Context, id string) (grpc.ClientConnInterface, error) { return conns[id], nil },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
}

// Whatever is learned reaches every node, in batches that are bounded.
func TestEverythingReachesEverybody(t *testing.T) {
	here, one, two := newMemory("a", "b"), newMemory(), newMemory()
	spreadTo(t, here, newAmphora(t, one), newAmphora(t, two))
	for _, m := range []*memory{one, two} {
		testenv.Eventually(t, wait, func() error { return m.knows("a", "b") })
	}
	here.learn("c")
	for _, m := range []*memory{one, two} {
		testenv.Eventually(t, wait, func() error { return m.knows("c") })
	}
	if here.limit != batchSize {
		t.Errorf("batches of up to %d bytes were asked for", here.limit)
	}
}

// A node that was away, or begins anew, is told everything; the others do not wait for it.
func TestRestartedNodeIsToldAgain(t *testing.T) {
	here, there, stable := newMemory("a"), newMemory(), newMemory()
	a := newAmphora(t, there)
	spreadTo(t, here, a, newAmphora(t, stable))
	testenv.Eventually(t, wait, func() error { return there.knows("a") })
	a.stop()
	here.learn("b")
	testenv.Eventually(t, wait, func() error { return stable.knows("b") })
	again := newMemory()
	a.start(again)
	testenv.Eventually(t, wait, func() error { return again.knows("a", "b") })
}

// A batch that the other cannot read, or a node that cannot be told, ends nothing.
func TestOthersThatDoNotUnderstand(t *testing.T) {
	here, there := newMemory("bad"), newMemory()
	spreadTo(t, here, newAmphora(t, there), newAmphora(t, nil))
	testenv.Eventually(t, wait, func() error {
		there.mu.Lock()
		defer there.mu.Unlock()
		if there.calls == 0 {
			return errors.New("it was not told")
		}
		return nil
	})
	here.learn("good")
	testenv.Eventually(t, wait, func() error { return there.knows("good") })
}
