package proxy

import (
	"maps"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/health"
)

// published is what the control loop lets others see. It is immutable.
type published struct {
	revision uint64
	errors   map[string]string
	targets  [][]health.Target // what is checked, by load balancer
	counters map[lb.ListenerID]*counters
}

// View returns how far the Engine has come, how the members are and which
// listeners are full: on one of their VIPs at least, for the limit is each VIP's.
// A revision is in it when its listeners are bound, or have an entry in Errors.
func (e *Engine) View() lb.View {
	pub := e.published.Load()
	v := lb.View{
		Revision: pub.revision,
		Errors:   maps.Clone(pub.errors),
		Members:  make(map[lb.MemberID]lb.OperatingStatus),
		Reasons:  make(map[lb.MemberID]string),
	}
	for _, targets := range pub.targets {
		for _, t := range targets {
			switch status, reason := e.checker.Verdict(t.Member); status {
			case health.Healthy:
				v.Members[t.Member] = lb.Online
			case health.Unhealthy:
				v.Members[t.Member] = lb.Failed
				v.Reasons[t.Member] = reason
			}
		}
	}
	for id, c := range pub.counters {
		if c.full.Load() > 0 {
			if v.Full == nil {
				v.Full = make(map[lb.ListenerID]bool)
			}
			v.Full[id] = true
		}
	}
	return v
}

// Changes signals that View may have changed, but for which listeners are full:
// that changes with every connection. It holds one signal, so there
// should be one receiver; none is lost when it is slow, several become one.
func (e *Engine) Changes() <-chan struct{} { return e.changed }

// publishView shows others what has changed since the last call.
func (c *control) publishView() {
	e := c.engine
	old := e.published.Load()
	problems := c.problems()
	sameErrors := maps.Equal(problems, old.errors)
	if old.revision == c.revision && sameErrors && !c.viewDirty {
		return
	}
	c.viewDirty = false
	next := *old
	next.revision, next.errors = c.revision, problems
	if c.targetsDirty {
		c.targetsDirty = false
		next.targets = nil
		for _, b := range c.trees {
			if len(b.targets) > 0 {
				next.targets = append(next.targets, b.targets)
			}
		}
	}
	if c.countersDirty {
		c.countersDirty = false
		next.counters = maps.Clone(c.counters)
	}
	e.published.Store(&next)
	signal(e.changed)
}
