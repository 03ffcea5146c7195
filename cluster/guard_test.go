package cluster

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

func TestProfilesAreValid(t *testing.T) {
	for name, p := range profiles {
		if err := p.lease.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		c := testConfig(t, "a")
		c.FSM, c.Profile = &memFSM{}, name
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout, c.CommitTimeout = 0, 0, 0, 0
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		c = c.withDefaults()
		r := c.raftConfig("id")
		if err := raft.ValidateConfig(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if r.HeartbeatTimeout != p.startup*p.heartbeat || c.withDefaults().startup != p.startup {
			t.Errorf("%s: raft starts with a heartbeat of %v", name, r.HeartbeatTimeout)
		}
	}
}

// raft starts with longer timers and gets its own when it has heard a leader.
func TestTimersQuicken(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, "a")
	cfg.HeartbeatTimeout, cfg.ElectionTimeout, cfg.LeaderLeaseTimeout = 0, 0, 0
	n := start(t, cfg)
	if got := n.raft.ReloadableConfig().HeartbeatTimeout; got != 3*time.Second {
		t.Errorf("heartbeat of %v before a leader is heard", got)
	}
	must(t, n.Bootstrap(within(t, patience)))
	eventually(t, "raft has its own timers", func() bool { return n.raft.ReloadableConfig().HeartbeatTimeout == time.Second })
}

func TestTailKnowsTheEndOfTheLog(t *testing.T) {
	t.Parallel()
	nodes := trio(t, calm, func(c *Config) { c.SnapshotThreshold, c.TrailingLogs = 4, 1 })
	leader := awaitLeader(t, nodes...)
	for _, command := range []string{"a", "b", "c", "d", "e", "f"} {
		leader.mustPropose(command)
	}
	if err := leader.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	end := lease.Position{Index: leader.raft.LastIndex(), Term: leader.raft.CurrentTerm()}
	for _, n := range nodes {
		eventually(t, n.cfg.Name+" knows it", func() bool { return n.tail.end() == end })
	}
	late := others(nodes, leader)[0]
	late.halt()
	again := start(t, late.cfg)
	if got := again.tail.end(); got.Before(end) {
		t.Errorf("after a restart the log ends at %v, want %v", got, end)
	}
}

// The probe reaches raft's main loop and does nothing there; a step back and a
// campaign do what they are for.
func TestCallsIntoRaft(t *testing.T) {
	t.Parallel()
	nodes := trio(t, calm)
	leader := awaitLeader(t, nodes...)
	standby := others(nodes, leader)[0]
	term := leader.Term()
	for _, n := range nodes {
		must(t, n.transport.probe(within(t, patience)))
	}
	if leader.raft.State() != raft.Leader || leader.Term() != term {
		t.Error("the probe has changed something")
	}
	must(t, standby.transport.stepBack(within(t, patience), term))
	must(t, standby.campaignNow(within(t, patience), standby.raft.CurrentTerm()))
	eventually(t, "the standby leads", func() bool {
		// It loses if an entry was on its way to it, asks whether it may, or follows the next leader: it must try again.
		if now := standby.raft.CurrentTerm(); standby.raft.State() != raft.Leader && !standby.transport.electing(now) {
			must(t, standby.campaignNow(within(t, patience), now))
		}
		return standby.raft.State() == raft.Leader && standby.Term() > term
	})
	eventually(t, "the lease is told so", func() bool { return standby.transport.elected.Load() == standby.Term() })
	if err := standby.campaignNow(within(t, patience), term); err == nil {
		t.Error("a campaign for an older term ended the one that was won since")
	}
}

// A candidate that got no votes asks for pre-votes next, and gets none as long as others
// hear a leader: that is no election, and this node may campaign again.
func TestElectingEndsWithPreVotes(t *testing.T) {
	t.Parallel()
	nodes := trio(t, calm)
	leader := awaitLeader(t, nodes...)
	voter := others(nodes, leader)[0]
	if tr := leader.transport; tr.electing(0) || tr.electing(1) {
		t.Error("an election is under way before votes are asked for")
	}
	id, addr := raft.ServerID(voter.id), raft.ServerAddress(voter.addr)
	const old = 1 // term: nobody minds
	must(t, leader.transport.RequestVote(id, addr, &raft.RequestVoteRequest{RPCHeader: header(), Term: old}, &raft.RequestVoteResponse{}))
	if !leader.transport.electing(old) {
		t.Error("no election is under way though votes are asked for")
	}
	must(t, leader.transport.RequestPreVote(id, addr, &raft.RequestPreVoteRequest{RPCHeader: header(), Term: old}, &raft.RequestPreVoteResponse{}))
	if leader.transport.electing(old) {
		t.Error("an election is still under way though pre-votes are asked for")
	}
}

// A voter that was started anew gives its vote to who asks it first.
func TestVoteSurvivesARestart(t *testing.T) {
	t.Parallel()
	nodes := trio(t, calm)
	leader := awaitLeader(t, nodes...)
	two := others(nodes, leader)
	asker, voter := two[0], two[1]
	ask := func() error {
		req := &raft.RequestPreVoteRequest{RPCHeader: header(), Term: 1}
		return asker.transport.RequestPreVote(raft.ServerID(voter.id), raft.ServerAddress(voter.addr), req, &raft.RequestPreVoteResponse{})
	}
	must(t, ask()) // a connection to it is kept
	voter.crash()
	voter = start(t, voter.cfg)
	eventually(t, "it is back", func() bool {
		return slices.ContainsFunc(asker.registry.alive(), func(p peer) bool { return p.id == voter.id && p.Addr == voter.addr })
	})
	must(t, ask())
}

// Calls are made again over connections that turn out to be dead, as often as raft keeps
// some, and not when the other side has said something.
func TestOverLiveConn(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	for _, tt := range []struct {
		name  string
		fails []error // of the calls, one after the other
		calls int
		want  error
	}{
		{"live", nil, 1, nil},
		{"one dead", []error{io.EOF}, 2, nil},
		{"all dead", []error{io.EOF, syscall.ECONNRESET, syscall.EPIPE}, maxPool + 1, nil},
		{"gone", []error{io.EOF, syscall.ECONNREFUSED}, 2, syscall.ECONNREFUSED},
		{"refused", []error{refused}, 1, refused},
		{"dead for ever", slices.Repeat([]error{io.EOF}, maxPool+2), maxPool + 1, io.EOF},
	} {
		calls := 0
		err := overLiveConn(func() (err error) {
			if calls < len(tt.fails) {
				err = fmt.Errorf("call: %w", tt.fails[calls])
			}
			calls++
			return err
		})
		if !errors.Is(err, tt.want) || calls != tt.calls {
			t.Errorf("%s: %d calls, %v; want %d, %v", tt.name, calls, err, tt.calls, tt.want)
		}
	}
}

// A planned move is counted from when the old holder let go: nobody has missed it before.
func TestTakeoverHasNoStageBeforeTheLastSign(t *testing.T) {
	report := lease.Report{Cause: lease.CausePlanned, Term: 2, LastHeard: 1000, Elected: 400, Acked: 900, Free: 1005, Opened: 1006}
	want := Takeover{Term: 2, Cause: lease.CausePlanned, Ago: 94, Took: 6, Stages: []Stage{{"free", 5}, {"opened", 6}}}
	if diff := cmp.Diff(want, takeover(1100, report)); diff != "" {
		t.Error(diff)
	}
}

// A node that comes back before gossip has missed it finds the others by itself.
func TestRestartedNodeMeetsTheOthers(t *testing.T) {
	t.Parallel()
	nodes := trio(t, calm)
	first := nodes[0] // the one that is configured with no peers
	first.crash()
	again := start(t, first.cfg)
	eventually(t, "it has met the others", func() bool { return len(again.registry.alive()) == len(nodes) })
}

func TestDegradedSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	amphorae, witness, _ := holders(t)
	first := awaitHolder(t, amphorae...)
	awaitSuccessor(t, first)
	missing := func(s LeaseStatus) bool { return slices.Contains(s.Degraded, "voter c is dead") }
	if s := first.status(""); missing(s) {
		t.Errorf("with everybody there: %q", s.Degraded)
	}
	// The words are the holder's, and are read on any node.
	first.agent.late.add(bootTime(), time.Minute+time.Microsecond)
	if s := first.status(""); !slices.ContainsFunc(s.Degraded, func(d string) bool {
		return strings.HasPrefix(d, "timers of "+first.cfg.Name+" fire up to 1m0s late")
	}) {
		t.Errorf("with a timer that was late: %q", s.Degraded)
	}
	stranger, _ := first.registry.get(witness.id)
	stranger.Profile = WAN
	first.registry.put(stranger)
	if s := first.status(""); !slices.ContainsFunc(s.Degraded, func(d string) bool { return strings.HasPrefix(d, "c has profile wan and "+first.cfg.Name+" has ") }) {
		t.Errorf("with a voter of another profile: %q", s.Degraded)
	}
	witness.crash()
	eventually(t, "the holder says that the witness is gone", func() bool {
		s := first.status("")
		return missing(s) && slices.Contains(s.Degraded, "2 of 3 voters are left: the loss of another one stops failover and changes")
	})
}
