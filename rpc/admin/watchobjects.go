package admin

import (
	"cmp"
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin/adminpb"
)

const (
	// watchEvery is how often a watcher looks for a new configuration. Looking is one
	// atomic load; a walk over the configuration follows only when it is another one.
	watchEvery = 50 * time.Millisecond
	// watchStatusEvery is how often it asks for the holder's view.
	watchStatusEvery = time.Second
)

// key is an object's place in an index.
type key struct {
	kind lb.Kind
	id   string
}

// index finds the objects of a configuration.
func index(c *lb.Config) map[key]*object {
	all := make(map[key]*object)
	for o := range c.Objects() {
		if k := kindOf(o); k != "" {
			d := describe(o)
			all[key{k, d.id}] = d
		}
	}
	return all
}

// difference says what happened to an object between two configurations, the later of
// which has the revision; nil: nothing.
func difference(was, is *object, revision uint64) *adminpb.Changed {
	switch {
	case was == nil && is == nil:
		return nil
	case is == nil:
		return changed(adminpb.Changed_VERB_DELETED, was, revision)
	case was == nil:
		return changed(adminpb.Changed_VERB_CREATED, is, is.revision)
	case was.revision != is.revision:
		return changed(adminpb.Changed_VERB_UPDATED, is, is.revision)
	}
	return nil
}

func changed(verb adminpb.Changed_Verb, o *object, revision uint64) *adminpb.Changed {
	return &adminpb.Changed{Verb: verb, Kind: string(o.kind), Id: o.id, Name: o.meta.Name, Revision: revision}
}

// watcher is what one client that watches has been told.
type watcher struct {
	out    grpc.ServerStreamingServer[adminpb.WatchObjectsResponse]
	kinds  []string // empty: all
	cfg    *lb.Config
	known  map[key]*object
	status map[key]lb.Status
}

// WatchObjects implements adminpb.ObjectsServer.
func (s *objectsService) WatchObjects(req *adminpb.WatchObjectsRequest, out grpc.ServerStreamingServer[adminpb.WatchObjectsResponse]) error {
	for _, k := range req.Kinds {
		if _, err := knownKind(k); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(out.Context())
	defer cancel(nil)
	defer context.AfterFunc(s.stopping, func() { cancel(errStopping) })()
	now, err := lookSynced(ctx, s.backend, false)
	if err != nil {
		return err
	}
	w := &watcher{out: out, kinds: req.Kinds}
	if err := w.begin(now, req.AfterRevision); err != nil {
		return err
	}
	looked := time.Now()
	for {
		if err := wait(ctx, watchEvery); err != nil {
			return err
		}
		another := s.backend.Config() != w.cfg
		if !another && time.Since(looked) < watchStatusEvery {
			continue
		}
		if now, err = look(ctx, s.backend); err != nil {
			return err
		}
		looked = time.Now()
		if err := w.next(now); err != nil {
			return err
		}
	}
}

// begin tells where the client stands, and what it has missed.
func (w *watcher) begin(now *snapshot, after uint64) error {
	w.cfg, w.known = now.cfg, index(now.cfg)
	w.status = w.statuses(now)
	first := &adminpb.WatchObjectsResponse{Revision: now.cfg.Revision(), Gap: after != 0 && after != now.cfg.Revision()}
	if first.Gap {
		first.Revision = after
	}
	if err := w.out.Send(first); err != nil {
		return err
	}
	if !first.Gap {
		return nil
	}
	var missed []*adminpb.Changed
	for _, o := range w.known {
		if o.revision <= after {
			continue
		}
		verb := adminpb.Changed_VERB_UPDATED
		if o.meta.UpdatedAt.IsZero() && !o.meta.CreatedAt.IsZero() {
			verb = adminpb.Changed_VERB_CREATED
		}
		missed = append(missed, changed(verb, o, o.revision))
	}
	return w.tell(now, missed)
}

// next tells what is different from the last time.
func (w *watcher) next(now *snapshot) error {
	var all []*adminpb.Changed
	touched := make(map[key]bool)
	if now.cfg != w.cfg {
		known := index(now.cfg)
		for at, o := range known {
			if c := difference(w.known[at], o, now.cfg.Revision()); c != nil {
				touched[at] = true
				all = append(all, c)
			}
		}
		for at, o := range w.known {
			if known[at] == nil {
				all = append(all, changed(adminpb.Changed_VERB_DELETED, o, now.cfg.Revision()))
			}
		}
		w.cfg, w.known = now.cfg, known
	}
	status := w.statuses(now)
	for at, st := range status {
		if st != w.status[at] && !touched[at] {
			all = append(all, changed(adminpb.Changed_VERB_STATUS, w.known[at], w.known[at].revision))
		}
	}
	w.status = status
	return w.tell(now, all)
}

// tell sends changes in order of revision.
func (w *watcher) tell(now *snapshot, all []*adminpb.Changed) error {
	slices.SortFunc(all, func(a, b *adminpb.Changed) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Id, b.Id))
	})
	for _, c := range all {
		if len(w.kinds) > 0 && !slices.Contains(w.kinds, c.Kind) {
			continue
		}
		if o := w.known[key{lb.Kind(c.Kind), c.Id}]; o != nil {
			c.Status = now.statusOf(o)
		}
		if err := w.out.Send(&adminpb.WatchObjectsResponse{Revision: now.cfg.Revision(), Change: c}); err != nil {
			return err
		}
	}
	return nil
}

// statuses are those of everything that has one.
func (w *watcher) statuses(now *snapshot) map[key]lb.Status {
	all := make(map[key]lb.Status, len(w.known))
	for at, o := range w.known {
		if st := now.statusOf(o); st != nil {
			all[at] = lb.Status{
				Provisioning: lb.ProvisioningStatus(st.ProvisioningStatus),
				Operating:    lb.OperatingStatus(st.OperatingStatus),
				Reason:       st.Reason,
			}
		}
	}
	return all
}
