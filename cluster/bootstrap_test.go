package cluster

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

func TestPlanBootstrap(t *testing.T) {
	voters := []string{"a", "b", "w"}
	seen := func(name string, change ...func(*peer)) peer {
		p := peer{id: "id-" + name, state: StateAlive, meta: meta{Name: name, Role: Amphora, Addr: name + ":1", Voters: hashVoters(voters)}}
		if name == "w" {
			p.Role = Witness
		}
		for _, f := range change {
			f(&p)
		}
		return p
	}
	bootstrapped := func(p *peer) { p.Bootstrapped = true }
	all := []peer{seen("a"), seen("b"), seen("w")}
	witnessFirst := []raft.Server{
		{Suffrage: raft.Voter, ID: "id-w", Address: "w:1"},
		{Suffrage: raft.Voter, ID: "id-a", Address: "a:1"},
		{Suffrage: raft.Voter, ID: "id-b", Address: "b:1"},
	}
	tests := []struct {
		name    string
		self    string
		voters  []string
		alive   []peer
		step    bootstrapStep
		reason  string
		servers []raft.Server
	}{
		{name: "everybody is there", self: "id-a", voters: voters, alive: all, step: stepForm, reason: "all", servers: witnessFirst},
		{name: "the order of lists does not matter", self: "id-a", voters: []string{"w", "b", "a"}, alive: all, step: stepForm, reason: "all", servers: witnessFirst},
		{name: "strangers do not matter", self: "id-a", voters: voters, alive: append([]peer{seen("z", func(p *peer) { p.Voters = "" })}, all...), step: stepForm, reason: "all", servers: witnessFirst},
		{name: "another one writes it", self: "id-b", voters: voters, alive: all, step: stepWait, reason: "a forms"},
		{name: "no list", self: "id-a", alive: all, step: stepWait, reason: "no list"},
		{name: "alone", self: "id-a", voters: voters, alive: all[:1], step: stepWait, reason: "voter b"},
		{name: "one is missing", self: "id-a", voters: voters, alive: all[:2], step: stepWait, reason: "voter w"},
		{
			name: "another list", self: "id-a", voters: voters, step: stepRefused, reason: "node b has another list",
			alive: []peer{seen("a"), seen("b", func(p *peer) { p.Voters = hashVoters([]string{"a", "b"}) }), seen("w")},
		},
		{
			name: "no list over there", self: "id-a", voters: voters, step: stepRefused, reason: "node w has another list",
			alive: []peer{seen("a"), seen("b"), seen("w", func(p *peer) { p.Voters = "" })},
		},
		{
			name: "a name twice", self: "id-a", voters: voters, step: stepRefused, reason: "two nodes are named b",
			alive: append([]peer{seen("b", func(p *peer) { p.id = "other" })}, all...),
		},
		{
			name: "a voter has a cluster", self: "id-a", voters: voters, step: stepNone, reason: "b belongs",
			alive: []peer{seen("a"), seen("b", bootstrapped), seen("w")},
		},
		{
			name: "a stranger has a cluster", self: "id-a", voters: voters, step: stepNone, reason: "z belongs",
			alive: append(all[:3:3], seen("z", bootstrapped)),
		},
		{
			name: "a cluster and a missing voter", self: "id-a", voters: voters, step: stepNone, reason: "b belongs",
			alive: []peer{seen("a"), seen("b", bootstrapped)},
		},
		{
			name: "single", self: "id-a", voters: []string{"a"}, step: stepForm, reason: "all",
			alive:   []peer{seen("a", func(p *peer) { p.Voters = hashVoters([]string{"a"}) })},
			servers: []raft.Server{{Suffrage: raft.Voter, ID: "id-a", Address: "a:1"}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := planBootstrap(test.self, test.voters, test.alive)
			if got.step != test.step || !strings.Contains(got.reason, test.reason) {
				t.Errorf("step %d because %q, want %d because %q", got.step, got.reason, test.step, test.reason)
			}
			if diff := cmp.Diff(test.servers, got.servers); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMetaFitsIntoGossip(t *testing.T) {
	long := strings.Repeat("n", 63)
	m := meta{
		Name: long, Role: Witness, Addr: strings.Repeat("h", 253) + ":65535", Voters: hashVoters([]string{long}), Bootstrapped: true, Leaving: true,
		Maintenance: true, Unfit: true, Epoch: Epoch{{}}.tag(), VIPLink: "00:00:5e:00:53:01", Profile: LANFast,
	}
	data, err := m.encode()
	if err != nil || len(data) > 512 {
		t.Fatalf("%d bytes, %v; memberlist takes 512", len(data), err)
	}
	got, err := decodeMeta(data)
	if err != nil || got != m {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestGossipLetsGoOfTheRemoved(t *testing.T) {
	var g gossip
	g.registry = &registry{}
	g.peers = []string{"127.0.0.1:1"}
	for id, state := range map[string]State{"alive": StateAlive, "dead": StateDead, "removed": StateDead, "left": StateLeft} {
		g.registry.put(peer{id: id, state: state, gossip: id + ":2", meta: meta{Name: id, Leaving: state == StateLeft}})
	}
	for id, addr := range map[string]string{"dead": "127.0.0.2:1", "removed": "127.0.0.3:1"} {
		p, _ := g.registry.get(id)
		p.gossip = addr
		g.registry.put(p)
	}
	got := g.missing(t.Context(), func(id string) bool { return id != "removed" }, nil)
	if diff := cmp.Diff([]string{"127.0.0.2:1", "127.0.0.1:1"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRegistryTellsLeavingFromDying(t *testing.T) {
	var r registry
	for _, leaving := range []bool{false, true} {
		r.put(peer{id: "x", state: StateDead, meta: meta{Name: "x", Leaving: leaving}})
		want := StateDead
		if leaving {
			want = StateLeft
		}
		if got, _ := r.get("x"); got.state != want {
			t.Errorf("leaving %v: state %s, want %s", leaving, got.state, want)
		}
	}
}
