package node

import (
	"context"
	"fmt"
	"time"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// LocalHolding is how this node holds the VIPs, nil if it does not, and what it
// finds degraded.
func (n local) LocalHolding(ctx context.Context) (*admin.Holding, []string) {
	lease, err := n.cluster.Lease(ctx, "")
	if err != nil || n.holding.Load() == 0 {
		return nil, lease.Degraded
	}
	return &admin.Holding{
		Since: time.Now().Add(-lease.Held), Term: lease.Term, Solo: lease.Solo, Lease: lease.Left,
		Takeover: n.takeover(lease.Last),
	}, lease.Degraded
}

// takeover is the lease's report of how this node came to hold, up to the open
// gate, with what followed: addresses and announcements.
func (n local) takeover(t cluster.Takeover) admin.Takeover {
	whole := admin.Takeover{Cause: t.Cause, From: n.nameOf(t.FromID), Why: t.Why, Total: t.Took}
	for _, s := range t.Stages {
		whole.Stages = append(whole.Stages, admin.Stage{Name: s.Name, At: s.At})
	}
	if n.vips == nil {
		return whole
	}
	claim := n.vips.View().Claim
	if claim.Term != n.holding.Load() {
		return whole // it has not been told yet
	}
	for _, s := range []struct {
		name string
		at   time.Time
	}{{"addresses added", claim.Added}, {"announced", claim.Announced}, {"gateway answered", claim.Answered}} {
		if s.at.IsZero() {
			continue
		}
		at := t.Took + s.at.Sub(claim.Told)
		whole.Stages = append(whole.Stages, admin.Stage{Name: s.name, At: at})
		if s.at.Equal(claim.Announced) {
			whole.Total = at
		}
	}
	return whole
}

func (n local) nameOf(id string) string {
	for _, info := range n.cluster.Nodes() {
		if info.ID == id {
			return info.Name
		}
	}
	return id
}

// askHolding asks the holder how it holds the VIPs; nil if it does not answer in
// time. What is degraded the holder knows best, else this node says what it sees.
func (b backend) askHolding(ctx context.Context, holder cluster.Info) (*admin.Holding, []string) {
	ctx, cancel := context.WithTimeout(ctx, viewLimit)
	defer cancel()
	if !holder.Self && holder.ID != "" {
		if conn, err := b.cluster.Dial(ctx, holder.ID); err == nil {
			if holding, degraded, err := admin.AskHolding(ctx, conn); err == nil {
				return holding, degraded
			}
		}
	}
	return local(b).LocalHolding(ctx)
}

// topology names what the voters are, for people.
func topology(nodes []cluster.Info) string {
	var amphorae, witnesses int
	for _, info := range nodes {
		if info.Suffrage != cluster.Voter {
			continue
		}
		if info.Role == cluster.Witness {
			witnesses++
		} else {
			amphorae++
		}
	}
	switch {
	case amphorae == 1 && witnesses == 0:
		return "single"
	case amphorae == 2 && witnesses == 0:
		return "pair without a witness"
	case amphorae == 2 && witnesses == 1:
		return "pair and witness"
	case amphorae == 0:
		return ""
	}
	return fmt.Sprintf("%d amphorae and %d witnesses", amphorae, witnesses)
}
