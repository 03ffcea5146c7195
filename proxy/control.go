package proxy

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/health"
)

// control is the state that turns configurations into snapshots. Only the
// goroutine of [Engine.Run] touches it.
type control struct {
	engine   *Engine
	revision uint64
	cfg      *lb.Config // where Secrets look up versions
	trees    map[lb.LoadBalancerID]*branch
	bindings map[netip.AddrPort]*binding
	pools    map[lb.PoolID]*poolRecord
	members  map[lb.MemberID]*member
	counters map[lb.ListenerID]*counters
	fronts   map[lb.ListenerID]*material
	backs    map[lb.PoolID]*material
	waiting  map[claim]*snapshot // those whose address another listener has
	unserved map[string]string   // by id: what this version does not do

	round         uint64    // of apply
	nextBind      time.Time // when to try again to bind; zero: nothing is missing
	targetsDirty  bool      // what is checked changed
	countersDirty bool      // listeners came or went
	tablesDirty   bool      // pools began or ceased to remember clients
	certsDirty    bool      // listeners have other certificates
	viewDirty     bool      // health changed
}

// branch is one tree as it was compiled.
type branch struct {
	tree      *lb.Tree
	listeners []*snapshot // those that should be served
	targets   []health.Target
	unserved  map[string]string // by id, why
	secrets   []secretVersion   // what it was made with
	round     uint64            // the last apply that found it
}

// poolRecord is a pool with the configuration that its set of usable members is
// made of.
type poolRecord struct {
	pool
	spec *lb.Pool
}

func newControl(e *Engine) *control {
	return &control{
		engine:   e,
		trees:    make(map[lb.LoadBalancerID]*branch),
		bindings: make(map[netip.AddrPort]*binding),
		pools:    make(map[lb.PoolID]*poolRecord),
		members:  make(map[lb.MemberID]*member),
		counters: make(map[lb.ListenerID]*counters),
		cfg:      new(lb.Config),
		fronts:   make(map[lb.ListenerID]*material),
		backs:    make(map[lb.PoolID]*material),
		waiting:  make(map[claim]*snapshot),
		unserved: make(map[string]string),
	}
}

// apply brings everything in line with trees. It looks only into those that are
// not the same pointer as last time.
func (c *control) apply(revision uint64, trees iter.Seq[*lb.Tree]) {
	c.revision = revision
	c.round++
	var changes []change
	there := 0
	for tree := range trees {
		there++
		id := tree.LoadBalancer.ID
		b := c.trees[id]
		if b == nil || b.tree != tree || c.stale(b) {
			old := b
			if old == nil {
				old = &branch{tree: new(lb.Tree)}
			}
			b = c.compile(tree)
			c.trees[id] = b
			changes = append(changes, change{old, b})
		}
		b.round = c.round
	}
	if there < len(c.trees) {
		for id, old := range c.trees {
			if old.round != c.round {
				delete(c.trees, id)
				changes = append(changes, change{old, &branch{tree: new(lb.Tree)}})
			}
		}
	}
	c.check(changes)
	for _, ch := range changes {
		for _, p := range ch.new.tree.Pools {
			c.publish(c.pools[p.ID])
		}
	}
	c.serve(changes)
	for _, ch := range changes {
		c.retire(ch.old, ch.new)
		for id := range ch.old.unserved {
			delete(c.unserved, id)
		}
	}
	for _, ch := range changes {
		maps.Copy(c.unserved, ch.new.unserved)
	}
	c.publishTables()
	c.staple()
}

// change is a tree that became another. Where there was or will be none, it is
// an empty one.
type change struct{ old, new *branch }

// compile makes the records and snapshots of one tree.
func (c *control) compile(tree *lb.Tree) *branch {
	b := &branch{tree: tree, unserved: unserved(tree)}
	for _, p := range tree.Pools {
		rec := c.pools[p.ID]
		if rec == nil {
			rec = &poolRecord{pool: pool{id: p.ID, protocol: p.Protocol}}
			c.pools[p.ID] = rec
			c.engine.byID.Store(p.ID, &rec.pool)
		}
		rec.spec = p
		rec.tls = c.poolTLS(tree, p)
		kept := newPersistence(p, rec.persistence, c.engine.cfg.Remembered)
		c.tablesDirty = c.tablesDirty || kept != rec.persistence
		rec.persistence = kept
		b.take(string(p.ID), p.AdminStateUp, rec.tls)
		for _, m := range p.Members {
			if c.members[m.ID] == nil {
				c.members[m.ID] = newMember(m, c.engine.cfg.IdlePerMember)
			}
			if t, ok := health.TargetOf(p, m); ok && tree.LoadBalancer.AdminStateUp {
				b.targets = append(b.targets, t)
			}
		}
	}
	for _, l := range tree.Listeners {
		if c.counters[l.ID] == nil {
			c.counters[l.ID] = new(counters)
			c.countersDirty = true
		}
		if !tree.LoadBalancer.AdminStateUp || !l.AdminStateUp || listenerGap(l) != "" {
			continue
		}
		var secure *material
		if l.Protocol == lb.ProtocolTerminatedHTTPS {
			secure = c.listenerTLS(tree, l)
			b.take(string(l.ID), true, secure)
			if secure.front == nil {
				continue
			}
		}
		rules := c.policies(l, b.unserved)
		for _, addr := range c.engine.listenAddrs(tree, l) {
			s := newSnapshot(l, addr, c.pool(l.DefaultPoolID), c.counters[l.ID])
			s.policies, s.project = rules, tree.LoadBalancer.ProjectID
			if secure != nil {
				s.tls, s.certFields, s.hsts = secure.front, certFieldsOf(l.InsertHeaders), hstsLine(l.HSTS)
			}
			b.listeners = append(b.listeners, s)
		}
	}
	return b
}

// take notes what the branch was made with, and what is wrong with it.
func (b *branch) take(id string, up bool, m *material) {
	if m == nil {
		return
	}
	b.secrets = append(b.secrets, m.secrets...)
	if problem := m.problem(); problem != "" && up && b.tree.LoadBalancer.AdminStateUp {
		if b.unserved == nil {
			b.unserved = make(map[string]string)
		}
		b.unserved[id] = problem
	}
}

// check tells the checker what to check, if that changed. It comes before the
// pools are published: a member that is no longer checked is usable at once.
func (c *control) check(changes []change) {
	var gone []lb.MemberID
	var targets []health.Target
	for _, ch := range changes {
		if slices.Equal(ch.old.targets, ch.new.targets) {
			continue
		}
		for _, t := range ch.old.targets {
			gone = append(gone, t.Member)
		}
		targets = append(targets, ch.new.targets...)
	}
	if len(gone)+len(targets) > 0 {
		c.engine.checker.Update(gone, targets)
		c.targetsDirty = true
	}
}

// publish renews a pool's set of usable members.
func (c *control) publish(rec *poolRecord) {
	rec.publish(rec.spec, c.members, func(id lb.MemberID) bool {
		return c.engine.checker.Status(id).Usable()
	})
}

// retire drops what old has and next has not.
func (c *control) retire(old, next *branch) {
	kept := make(map[string]struct{})
	for _, p := range next.tree.Pools {
		kept[string(p.ID)] = struct{}{}
		for _, m := range p.Members {
			kept[string(m.ID)] = struct{}{}
		}
	}
	for _, l := range next.tree.Listeners {
		kept[string(l.ID)] = struct{}{}
	}
	gone := func(id string) bool { _, ok := kept[id]; return !ok }

	for _, p := range old.tree.Pools {
		for _, m := range p.Members {
			if gone(string(m.ID)) {
				c.members[m.ID].remove()
				delete(c.members, m.ID)
			}
		}
		if gone(string(p.ID)) {
			c.tablesDirty = true
			delete(c.pools, p.ID)
			c.engine.byID.Delete(p.ID)
			delete(c.backs, p.ID)
		}
	}
	for _, l := range old.tree.Listeners {
		if gone(string(l.ID)) {
			delete(c.counters, l.ID)
			if c.fronts[l.ID] != nil {
				c.certsDirty = true
				delete(c.fronts, l.ID)
			}
			c.countersDirty = true
		}
	}
}
