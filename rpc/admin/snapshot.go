package admin

import (
	"context"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

// snapshot is what one answer is made of: a configuration and the holder's view
// of it. One goroutine uses it.
type snapshot struct {
	cfg      *lb.Config
	view     lb.View
	noView   string // why there is no view
	statuses map[*lb.Tree]map[string]lb.Status
}

// look takes a snapshot of what this node knows now.
func look(ctx context.Context, b Backend) (*snapshot, error) {
	s := &snapshot{cfg: b.Config(), statuses: make(map[*lb.Tree]map[string]lb.Status)}
	var err error
	s.view, err = b.View(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		s.view, s.noView = lb.View{}, err.Error()
	}
	return s, nil
}

// lookSynced takes a snapshot that shows every acknowledged change, unless a
// stale one will do.
func lookSynced(ctx context.Context, b Backend, allowStale bool) (*snapshot, error) {
	if !allowStale {
		if err := b.Sync(ctx); err != nil {
			return nil, err
		}
	}
	return look(ctx, b)
}

// status is that of the resource with that id in t.
func (s *snapshot) status(t *lb.Tree, id string) *adminpb.Status {
	of, ok := s.statuses[t]
	if !ok {
		of = s.view.Tree(t)
		s.statuses[t] = of
	}
	return s.shown(of[id])
}

// shown is a status as an answer has it. Without a view it says why that is so.
func (s *snapshot) shown(st lb.Status) *adminpb.Status {
	x := &adminpb.Status{
		ProvisioningStatus: string(st.Provisioning),
		OperatingStatus:    string(st.Operating),
		Reason:             st.Reason,
	}
	if x.Reason == "" && st.Provisioning != lb.Active {
		x.Reason = s.noView
	}
	return x
}
