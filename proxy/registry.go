package proxy

import "sync"

// registry knows every session, so that they can be ended from outside.
type registry struct {
	mu    sync.Mutex
	set   map[*session]struct{} // guarded by mu
	state registryState         // guarded by mu
	idle  chan struct{}         // guarded by mu; closed when set is empty, nil: nobody waits
}

type registryState uint8

const (
	serving registryState = iota
	drained               // client connections end after the request under way
	cutOff                // connections are closed
)

// add registers x. A session that comes too late is treated as those before it.
func (r *registry) add(x *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set[x] = struct{}{}
	switch r.state {
	case drained:
		x.finish()
	case cutOff:
		x.cut()
	}
}

func (r *registry) remove(x *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.set, x)
	x.shed.leave()
	if len(r.set) == 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
}

// shed is a group of sessions that were asked to leave. It is guarded by the
// registry.
type shed struct {
	left int
	gone chan struct{} // closed when none is left
}

func (s *shed) leave() {
	if s == nil {
		return
	}
	if s.left--; s.left == 0 {
		close(s.gone)
	}
}

// shed asks the sessions that there are to leave.
func (r *registry) shed() *shed {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &shed{left: len(r.set), gone: make(chan struct{})}
	for x := range r.set {
		x.finish()
		x.shed.leave() // those asked before count here now
		x.shed = s
	}
	if s.left == 0 {
		close(s.gone)
	}
	return s
}

// cutShed closes the connections of those that have not left.
func (r *registry) cutShed(s *shed) (cut int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for x := range r.set {
		if x.shed == s {
			x.cut()
			cut++
		}
	}
	return cut
}

// drain ends client connections between requests.
func (r *registry) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = max(r.state, drained)
	for x := range r.set {
		x.finish()
	}
}

// cut closes every connection.
func (r *registry) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = cutOff
	for x := range r.set {
		x.cut()
	}
}

// empty returns a channel that is closed when no session is left.
func (r *registry) empty() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.set) == 0 {
		done := make(chan struct{})
		close(done)
		return done
	}
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	return r.idle
}
