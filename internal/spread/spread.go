package spread

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/internal/spread/spreadpb"
)

// The pace: a batch holds some 2,500 clients, so 13,000 can be told in a second, for 320 KiB/s to each node.
const (
	every     = 200 * time.Millisecond
	batchSize = 64 << 10
	// helloEvery is how often a node that there is nothing to tell is asked whether it is still the same.
	helloEvery = 5 * time.Second
	// limit is how long a node may take for its answer.
	limit = 2 * time.Second
)

// Config configures a [Spreader].
type Config struct {
	Memory Memory
	// Peers lists the ids of the other amphorae that are alive. It is called often.
	Peers func() []string
	// Dial returns the connection to a node, which is not closed.
	Dial   func(ctx context.Context, id string) (grpc.ClientConnInterface, error)
	Logger *slog.Logger
}

// Spreader tells the other amphorae what the engine of this one learns.
type Spreader struct {
	cfg   Config
	peers map[string]*peer // by id; belongs to Run
}

// peer is another amphora as it was last heard.
type peer struct {
	boot  uint64 // of the process that answered; 0: none has
	heard time.Time
	lost  bool // it has not got the last batch
	mute  bool // it does not know how to be told
}

// New returns a Spreader that does nothing yet.
func New(cfg Config) *Spreader { return &Spreader{cfg: cfg, peers: map[string]*peer{}} }

// Run tells the others until ctx ends, whose error it returns.
func (s *Spreader) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			s.round(ctx)
		}
	}
}

// round tells everybody what is new. All are told everything again if one has lost or forgotten something: it does no harm to know it
// already.
func (s *Spreader) round(ctx context.Context) {
	ids := s.cfg.Peers()
	s.forget(ids)
	if len(ids) == 0 {
		return // what is learned waits in the engine, which bounds it
	}
	batch := s.cfg.Memory.StickyChanges(batchSize)
	var wg sync.WaitGroup
	for _, id := range ids {
		p := s.peers[id]
		if p == nil {
			p = new(peer)
			s.peers[id] = p
		}
		if len(batch) == 0 && time.Since(p.heard) < helloEvery {
			continue
		}
		wg.Go(func() { s.tell(ctx, id, p, batch) })
	}
	wg.Wait()
	if s.behind() {
		s.cfg.Memory.RetellSticky()
	}
}

// forget drops the peers that are gone.
func (s *Spreader) forget(ids []string) {
	there := make(map[string]bool, len(ids))
	for _, id := range ids {
		there[id] = true
	}
	for id := range s.peers {
		if !there[id] {
			delete(s.peers, id)
		}
	}
}

// tell hands a batch to a peer, and notes whether it arrived. The peer belongs to it meanwhile.
func (s *Spreader) tell(ctx context.Context, id string, p *peer, batch []byte) {
	boot, err := s.send(ctx, id, batch)
	at := time.Now()
	if err != nil {
		p.heard = at
		if p.boot != 0 || !p.mute {
			s.cfg.Logger.DebugContext(ctx, "amphora cannot be told of clients", "node", id, logkey.Err, err)
		}
		switch status.Code(err) {
		case codes.InvalidArgument: // of another version: it would not understand it the next time either
		case codes.Unimplemented: // of an older version: asked again now and then, it will be upgraded
			p.mute, p.boot = true, 0
		default:
			p.mute, p.boot = false, 0
			p.lost = p.lost || len(batch) > 0
		}
		return
	}
	p.mute = false
	// A process that is new has to be told everything, the first that is met included.
	p.lost = p.lost || p.boot != boot
	p.boot, p.heard = boot, at
}

// behind reports whether a peer that can be reached has missed something, which it will be told now.
func (s *Spreader) behind() bool {
	some := false
	for _, p := range s.peers {
		if p.lost && p.boot != 0 {
			p.lost, some = false, true
		}
	}
	return some
}

func (s *Spreader) send(ctx context.Context, id string, batch []byte) (boot uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := s.cfg.Dial(ctx, id)
	if err != nil {
		return 0, err
	}
	answer, err := spreadpb.NewSpreadClient(conn).Tell(ctx, &spreadpb.TellRequest{Batch: batch})
	if err != nil {
		return 0, err
	}
	return answer.Boot, nil
}
