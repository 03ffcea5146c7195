package cluster

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVotersFormACluster(t *testing.T) {
	nodes := trio(t)
	for i, n := range nodes {
		n.mustPropose(fmt.Sprintf("from-%d", i))
	}
	for _, n := range nodes {
		eventually(t, n.cfg.Name+" has applied everything", func() bool {
			return cmp.Equal(n.fsm.all(), []string{"from-0", "from-1", "from-2"})
		})
		infos := n.Nodes()
		if len(infos) != 3 {
			t.Fatalf("%s sees %d nodes", n.cfg.Name, len(infos))
		}
		for i, info := range infos {
			want := Info{ID: nodes[i].ID(), Name: nodes[i].cfg.Name, Role: Amphora, Addr: nodes[i].Addr(),
				Suffrage: Voter, State: StateAlive, Leader: info.Leader, Self: nodes[i] == n}
			if diff := cmp.Diff(want, info); diff != "" {
				t.Errorf("%s, node %d: %s", n.cfg.Name, i, diff)
			}
		}
	}
}
