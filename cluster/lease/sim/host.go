package sim

import (
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// host is a machine with a clock and a gate, and the process that runs on it.
type host struct {
	w          *World
	n          int
	id         lease.ID
	amphora    bool
	supervisor bool
	timing     lease.Timing
	powered    bool
	clock      clock
	gate       gate
	raft       raft

	// The process. It does one thing after another: inputs wait until what the
	// last one asked for has been carried out.
	alive      bool
	generation int
	frozen     int // how many faults freeze it now
	busy       bool
	slow       time.Duration // how late it gets to what arrives
	machine    *lease.Machine
	inputs     []func()
	actions    []lease.Action
	wake       lease.Instant
	unfit      string
	claimed    bool
	will       uint64 // term of the sealed release; 0: none
	fed        uint64 // newest term that the machine was told is won
	probe      lease.Probe
	probing    int // counts the times that probing was switched
}

// start begins a process.
func (h *host) start() {
	if h.alive || !h.powered {
		return
	}
	w := h.w
	h.generation++
	h.alive, h.busy, h.claimed, h.will, h.fed = true, false, false, 0, 0
	h.inputs, h.actions, h.wake, h.probe = nil, nil, lease.Never, lease.Probe{}
	h.probing++
	h.machine = lease.New(lease.Config{
		Self: h.id, Boot: w.rng.Uint64(), Timing: h.timing, RaftTerm: h.raft.term, Seed: w.rng.Uint64(),
	}, h.clock.read(w.now))
	w.note(string(h.id), "starts, raft term %d", h.raft.term)
	h.raft.restart(h)
	h.event(lease.Reconfigured{Voters: w.voters, MayHold: h.amphora})
	if h.unfit != "" {
		h.event(lease.Fitness{Why: h.unfit})
	}
}

// kill ends the process at once.
func (h *host) kill() {
	if !h.alive {
		return
	}
	h.w.note(string(h.id), "is killed")
	h.w.Counts.Crashes++
	h.alive, h.claimed = false, false
	h.generation++
	h.inputs, h.actions = nil, nil
}

// freeze stops the process for a while: SIGSTOP and SIGCONT.
func (h *host) freeze(d time.Duration) {
	h.w.note(string(h.id), "freezes for %v", d)
	h.w.Counts.Freezes++
	h.frozen++
	h.w.after(d, func() { h.frozen--; h.run() })
}

// event gives an event to the machine, when the process gets to it.
func (h *host) event(e lease.Event) { h.input(func() { h.next(e) }) }

func (h *host) input(do func()) {
	if !h.alive {
		return
	}
	if h.slow > 0 {
		g := h.generation
		h.w.after(h.w.between(0, h.slow), func() {
			if h.alive && h.generation == g {
				h.inputs = append(h.inputs, do)
				h.run()
			}
		})
		return
	}
	h.inputs = append(h.inputs, do)
	h.run()
}

// datagram is a message that arrives. A second copy arrives like the first: machines
// must bear that.
func (h *host) datagram(m lease.Message) {
	if h.alive {
		h.event(lease.Received{Message: m})
	}
}

// run does what there is to do, until there is nothing or the process stalls.
func (h *host) run() {
	for h.alive && h.frozen == 0 && !h.busy && h.w.problem == nil {
		switch {
		case len(h.actions) > 0:
			if h.w.chance(h.w.stall) {
				h.stall()
				return
			}
			a := h.actions[0]
			h.actions = h.actions[1:]
			h.carryOut(a)
		case len(h.inputs) > 0:
			do := h.inputs[0]
			h.inputs = h.inputs[1:]
			do()
		default:
			return
		}
	}
}

// stall makes the process lose the processor between two actions.
func (h *host) stall() {
	w := h.w
	w.Counts.Stalls++
	h.busy = true
	d := w.between(0, 5*time.Millisecond)
	if w.chance(0.2) {
		d = w.between(0, 2*w.timing.Lease)
	}
	w.note(string(h.id), "stalls for %v", d)
	g := h.generation
	w.after(d, func() {
		if h.generation != g {
			return
		}
		h.busy = false
		if h.alive && len(h.actions) > 0 && h.frozen == 0 {
			a := h.actions[0]
			h.actions = h.actions[1:]
			h.carryOut(a)
		}
		h.run()
	})
}

// next asks the machine.
func (h *host) next(e lease.Event) {
	w := h.w
	now := h.clock.read(w.now)
	actions := h.machine.Next(lease.Input{Now: now, Log: h.raft.log, Event: e})
	w.check.batch(h, now, actions)
	h.actions = append(h.actions, actions...)
	h.sleep(now)
}

// sleep sets the timer of the machine, if it is not set for that time.
func (h *host) sleep(now lease.Instant) {
	at := h.machine.Wake()
	if at == lease.Never || at == h.wake {
		return
	}
	h.wake = at
	w, g := h.w, h.generation
	d := time.Duration(h.clock.when(max(at, now+1)) - w.now)
	w.after(d, func() {
		if h.alive && h.generation == g && h.wake == at {
			h.wake = lease.Never
			h.event(lease.Tick{})
		}
	})
}

// carryOut does one action.
func (h *host) carryOut(a lease.Action) {
	w := h.w
	switch a := a.(type) {
	case lease.Send:
		w.check.sent(h, a)
		if a.Message.Reason == lease.LogBehind && !h.amphora {
			h.raft.behind = true // the witness may have to lead
		}
		for range max(a.Copies, 1) {
			w.datagram(h, w.host(a.To), a.Message)
		}
	case lease.Extend:
		if !h.extend(a.Term, a.Until) {
			w.note(string(h.id), "gate refuses term %d", a.Term)
			h.event(lease.GateForced{Term: a.Term, Why: "floor"})
		}
		h.will = max(h.will, a.Term)
	case lease.Shut:
		w.note(string(h.id), "shuts term %d", a.Term)
		h.shut()
	case lease.Claim:
		w.note(string(h.id), "claims term %d", a.Term)
		h.claimed = true
		w.check.claimed(h)
	case lease.Lose:
		w.note(string(h.id), "loses term %d: %s", a.Term, a.Why)
		h.claimed = false
		w.check.lost(h, a.Why)
		if a.Term >= h.will {
			h.will = 0
		}
	case lease.Probe:
		h.probes(a)
	case lease.Campaign:
		w.note(string(h.id), "campaigns: %s", a.Why)
		h.raft.campaign(h)
	case lease.GiveLeadership:
		w.Counts.Gives++
		w.note(string(h.id), "gives leadership to %q: %s", a.To, a.Why)
		h.raft.transfer(h, a.To)
	}
}

// supervise is what the supervisor does when it finds the worker dead or stopped:
// shut the gate, then say so.
func (h *host) supervise() {
	w := h.w
	if !h.supervisor || !h.powered {
		return
	}
	term := h.will
	w.after(w.between(0, 5*time.Millisecond), func() {
		if term == 0 || !h.powered {
			return
		}
		w.note(string(h.id), "supervisor releases term %d", term)
		h.raise(term + 1)
		m := lease.Message{Kind: lease.Released, From: h.id, Term: term}
		w.check.sent(h, lease.Send{Message: m})
		for range 3 {
			for _, o := range w.hosts {
				if o != h {
					w.datagram(h, o, m)
				}
			}
		}
	})
}

func (w *World) host(id lease.ID) *host {
	for _, h := range w.hosts {
		if h.id == id {
			return h
		}
	}
	panic("sim: no host " + string(id))
}
