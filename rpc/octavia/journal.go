package octavia

import (
	"iter"
	"sync"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/lb"
)

// journal is what changed lately below load balancers, and how they are doing. It compares
// one configuration and view with the next, whenever somebody who waits has it look; the
// rest of the time it costs nothing.
type journal struct {
	// epoch tells this journal's places from those of another node or an earlier start.
	epoch string

	mu       sync.Mutex
	cfg      *lb.Config                                 // guarded by mu; the newest one seen, nil: none
	view     lb.View                                    // guarded by mu
	statuses map[lb.LoadBalancerID]map[string]lb.Status // guarded by mu
	pending  map[lb.LoadBalancerID]bool                 // guarded by mu; whose trees the engine has yet to apply
	base     uint64                                     // guarded by mu; nothing after this revision is missing
	entries  []entry                                    // guarded by mu; the newest ones, oldest first
	last     uint64                                     // guarded by mu; place of the newest entry, 0: none yet
}

// maxEntries is how many entries a journal keeps at least.
const maxEntries = 4096

// entry is one thing that changed.
type entry struct {
	place, revision uint64
	event           string
	kind            lb.Kind
	id, name        string
	balancer        lb.LoadBalancerID
	project         string
	status          lb.Status
}

// The events of an entry.
const (
	eventCreated = "created"
	eventUpdated = "updated"
	eventDeleted = "deleted"
	eventStatus  = "status"
)

func newJournal() *journal {
	return &journal{
		epoch: uuid.NewString()[:8], statuses: map[lb.LoadBalancerID]map[string]lb.Status{}, pending: map[lb.LoadBalancerID]bool{},
	}
}

// look compares cfg and view with what was seen before.
func (j *journal) look(cfg *lb.Config, view lb.View) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.cfg != nil && cfg.Revision() < j.cfg.Revision() {
		return // another caller has come further
	}
	stale := j.staleLocked(cfg, view)
	before := j.cfg
	j.cfg, j.view = cfg, view
	if before == nil {
		j.base = cfg.Revision()
		for t := range cfg.Trees() {
			j.rememberLocked(t)
		}
		return
	}
	for was, now := range pairs(before, cfg) {
		if was != now {
			j.compareLocked(was, now)
			stale[idOfTree(was, now)] = true
		}
	}
	for id := range stale {
		if t, ok := cfg.Tree(id); ok {
			j.statusLocked(t)
		}
	}
	if over := len(j.entries) - 2*maxEntries; over > 0 {
		j.base = max(j.base, j.entries[over+maxEntries-1].revision)
		j.entries = append([]entry(nil), j.entries[over+maxEntries:]...)
	}
}

// staleLocked are the load balancers of which the new view may say something else.
func (j *journal) staleLocked(cfg *lb.Config, view lb.View) map[lb.LoadBalancerID]bool {
	stale := map[lb.LoadBalancerID]bool{}
	if view.Revision != j.view.Revision {
		for id := range j.pending {
			stale[id] = true
		}
	}
	mark := func(id string) {
		if t, ok := cfg.TreeOf(id); ok {
			stale[t.LoadBalancer.ID] = true
		} else {
			stale[lb.LoadBalancerID(id)] = true
		}
	}
	differences(j.view.Errors, view.Errors, mark)
	differences(j.view.Members, view.Members, func(id lb.MemberID) { mark(string(id)) })
	return stale
}

func differences[K, V comparable](was, now map[K]V, found func(K)) {
	for k, v := range now {
		if old, ok := was[k]; !ok || old != v {
			found(k)
		}
	}
	for k := range was {
		if _, ok := now[k]; !ok {
			found(k)
		}
	}
}

// pairs yields the trees of both configurations side by side, by id; nil stands for one
// that is not there.
func pairs(a, b *lb.Config) iter.Seq2[*lb.Tree, *lb.Tree] {
	return func(yield func(*lb.Tree, *lb.Tree) bool) {
		next, stop := iter.Pull(b.Trees())
		defer stop()
		other, ok := next()
		for t := range a.Trees() {
			for ok && other.LoadBalancer.ID < t.LoadBalancer.ID {
				if !yield(nil, other) {
					return
				}
				other, ok = next()
			}
			if ok && other.LoadBalancer.ID == t.LoadBalancer.ID {
				if !yield(t, other) {
					return
				}
				other, ok = next()
				continue
			}
			if !yield(t, nil) {
				return
			}
		}
		for ; ok; other, ok = next() {
			if !yield(nil, other) {
				return
			}
		}
	}
}

func idOfTree(was, now *lb.Tree) lb.LoadBalancerID {
	if now != nil {
		return now.LoadBalancer.ID
	}
	return was.LoadBalancer.ID
}

// part is one resource of a tree.
type part struct {
	kind lb.Kind
	id   string
	meta *lb.Meta
}

// parts are the resources of a tree from the top down; none of nil.
func parts(t *lb.Tree) []part {
	if t == nil {
		return nil
	}
	all := []part{{lb.KindLoadBalancer, string(t.LoadBalancer.ID), &t.LoadBalancer.Meta}}
	for _, l := range t.Listeners {
		all = append(all, part{lb.KindListener, string(l.ID), &l.Meta})
		for _, p := range l.L7Policies {
			all = append(all, part{lb.KindL7Policy, string(p.ID), &p.Meta})
			for _, r := range p.Rules {
				all = append(all, part{lb.KindL7Rule, string(r.ID), &r.Meta})
			}
		}
	}
	for _, p := range t.Pools {
		all = append(all, part{lb.KindPool, string(p.ID), &p.Meta})
		if p.Monitor != nil {
			all = append(all, part{lb.KindHealthMonitor, string(p.Monitor.ID), &p.Monitor.Meta})
		}
		for _, m := range p.Members {
			all = append(all, part{lb.KindMember, string(m.ID), &m.Meta})
		}
	}
	return all
}

// compareLocked notes what became of a tree.
func (j *journal) compareLocked(was, now *lb.Tree) {
	statuses := j.rememberLocked(now)
	old := map[string]part{}
	for _, p := range parts(was) {
		old[p.id] = p
	}
	for _, p := range parts(now) {
		before, there := old[p.id]
		delete(old, p.id)
		switch {
		case !there:
			j.noteLocked(eventCreated, p, now, p.meta.Revision, statuses[p.id])
		case before.meta.Revision != p.meta.Revision:
			j.noteLocked(eventUpdated, p, now, p.meta.Revision, statuses[p.id])
		}
	}
	for _, p := range parts(was) {
		if _, gone := old[p.id]; gone {
			j.noteLocked(eventDeleted, p, was, j.cfg.Revision(), lb.Status{})
		}
	}
	if now == nil {
		delete(j.statuses, was.LoadBalancer.ID)
		delete(j.pending, was.LoadBalancer.ID)
	}
}

// statusLocked notes which statuses of a tree have changed.
func (j *journal) statusLocked(t *lb.Tree) {
	was := j.statuses[t.LoadBalancer.ID]
	now := j.rememberLocked(t)
	for _, p := range parts(t) {
		if before, there := was[p.id]; there && before != now[p.id] {
			j.noteLocked(eventStatus, p, t, j.cfg.Revision(), now[p.id])
		}
	}
}

// rememberLocked derives the statuses of a tree.
func (j *journal) rememberLocked(t *lb.Tree) map[string]lb.Status {
	if t == nil {
		return nil
	}
	all := j.view.Tree(t)
	id := t.LoadBalancer.ID
	j.statuses[id] = all
	delete(j.pending, id)
	switch all[string(id)].Provisioning {
	case lb.PendingCreate, lb.PendingUpdate:
		j.pending[id] = true
	}
	return all
}

func (j *journal) noteLocked(event string, p part, t *lb.Tree, revision uint64, status lb.Status) {
	j.last++
	j.entries = append(j.entries, entry{
		place: j.last, revision: revision, event: event, kind: p.kind, id: p.id, name: p.meta.Name,
		balancer: t.LoadBalancer.ID, project: t.LoadBalancer.ProjectID, status: status,
	})
}
