package cluster

import (
	"context"
	"time"

	"github.com/amphora-lb/amphora/cluster/peerpb"
)

// Lease answers another node that asks what this one knows.
func (s *peerServer) Lease(context.Context, *peerpb.LeaseRequest) (*peerpb.LeaseResponse, error) {
	return s.n.leaseStatus().message(), nil
}

func (s LeaseStatus) message() *peerpb.LeaseResponse {
	m := &peerpb.LeaseResponse{
		NodeId: s.NodeID, State: s.State, Term: s.Term, HolderId: s.HolderID, Open: s.Open, Solo: s.Solo,
		Held: int64(s.Held), Left: int64(s.Left), Heard: int64(s.Heard),
		Unfit: s.Unfit, Maintenance: s.Maintenance, Profile: string(s.Profile), Degraded: s.Degraded,
		LateP999: int64(s.Late.P999), LateMax: int64(s.Late.Max), Counters: s.Counters,
		Last: &peerpb.LeaseTakeover{
			Term: s.Last.Term, Cause: s.Last.Cause, FromId: s.Last.FromID, Why: s.Last.Why,
			Ago: int64(s.Last.Ago), Took: int64(s.Last.Took),
		},
	}
	for _, v := range s.Voters {
		m.Voters = append(m.Voters, &peerpb.LeaseVoter{Id: v.ID, Name: v.Name, Answered: int64(v.Answered)})
	}
	for _, stage := range s.Last.Stages {
		m.Last.Stages = append(m.Last.Stages, &peerpb.LeaseStage{Name: stage.Name, At: int64(stage.At)})
	}
	return m
}

func leaseStatusOf(m *peerpb.LeaseResponse) LeaseStatus {
	s := LeaseStatus{
		NodeID: m.GetNodeId(), State: m.GetState(), Term: m.GetTerm(), HolderID: m.GetHolderId(), Open: m.GetOpen(), Solo: m.GetSolo(),
		Held: time.Duration(m.GetHeld()), Left: time.Duration(m.GetLeft()), Heard: time.Duration(m.GetHeard()),
		Unfit: m.GetUnfit(), Maintenance: m.GetMaintenance(), Profile: Profile(m.GetProfile()), Degraded: m.GetDegraded(),
		Late:     Lateness{P999: time.Duration(m.GetLateP999()), Max: time.Duration(m.GetLateMax())},
		Counters: m.GetCounters(),
	}
	last := m.GetLast()
	s.Last = Takeover{
		Term: last.GetTerm(), Cause: last.GetCause(), FromID: last.GetFromId(), Why: last.GetWhy(),
		Ago: time.Duration(last.GetAgo()), Took: time.Duration(last.GetTook()),
	}
	for _, v := range m.GetVoters() {
		s.Voters = append(s.Voters, VoterStatus{ID: v.GetId(), Name: v.GetName(), Answered: time.Duration(v.GetAnswered())})
	}
	for _, stage := range last.GetStages() {
		s.Last.Stages = append(s.Last.Stages, Stage{Name: stage.GetName(), At: time.Duration(stage.GetAt())})
	}
	return s
}
