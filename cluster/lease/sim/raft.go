package sim

import (
	"slices"
	"time"

	"github.com/amphora-lb/amphora/cluster/lease"
)

// raft models as much of raft as the lease depends on: terms, one vote in each that
// is on the disk before it is told, logs as positions, pre-votes, heartbeats, the
// leader's own lease, refusal of votes while a leader is known, and transfers that
// override it. It follows hashicorp/raft, requestVote and runCandidate.
type raft struct {
	// On the disk.
	term  uint64
	voted lease.ID
	in    uint64 // the term of voted
	log   lease.Position

	// In the process.
	role     role
	leader   lease.ID
	contact  at // last sign of the leader
	timer    uint64
	override bool // stands because it was told to
	pre      bool // asks for pre-votes
	votes    []lease.ID
	acks     map[lease.ID]at
	behind   bool // this witness knows entries that a candidate does not
	alone    at   // since when no leader is known
	giving   at   // a transfer runs until then: nothing is written
}

type role uint8

const (
	follower role = iota
	candidate
	leader
)

// Timers of raft, in units of the lease's own: calm.
func (w *World) electionTimeout() time.Duration { return 2*w.timing.Detect + 50*time.Millisecond }

func (r *raft) restart(h *host) {
	r.role, r.leader, r.override, r.pre, r.votes, r.behind = follower, "", false, false, nil, false
	r.contact, r.alone = h.w.now, h.w.now
	r.arm(h)
}

// local runs something in the process of a host later, unless it has been restarted.
func (h *host) local(d time.Duration, do func()) {
	g := h.generation
	h.w.after(d, func() {
		if h.alive && h.generation == g {
			h.input(do)
		}
	})
}

// arm sets the election timer.
func (r *raft) arm(h *host) {
	r.timer++
	t, et := r.timer, h.w.electionTimeout()
	h.local(h.w.between(et, 2*et), func() {
		if r.timer == t {
			r.timeout(h)
		}
	})
}

func (r *raft) timeout(h *host) {
	w := h.w
	if r.role == leader {
		return
	}
	r.arm(h)
	if r.role == follower && time.Duration(w.now-r.contact) < w.electionTimeout() {
		return
	}
	if r.leader != "" {
		r.leader, r.alone = "", w.now
	}
	if !slices.Contains(w.voters, h.id) {
		return
	}
	if !h.amphora && !r.behind && time.Duration(w.now-r.alone) < 5*w.electionTimeout() {
		return // a muzzled witness
	}
	r.stand(h, false)
}

// campaign is TimeoutNow from this node itself.
func (r *raft) campaign(h *host) {
	if r.role == leader && r.term > h.fed {
		return // it has won meanwhile, and the machine will hear of it
	}
	h.local(h.w.between(0, 2*time.Millisecond), func() {
		if r.role == leader && r.term > h.fed {
			return
		}
		r.stand(h, true)
	})
}

// stand begins a campaign.
func (r *raft) stand(h *host, override bool) {
	w := h.w
	r.role, r.leader, r.override, r.pre = candidate, "", override, !override
	if r.pre {
		r.votes = []lease.ID{h.id}
		r.ask(h, r.term+1)
		r.counted(h)
		return
	}
	r.elect(h)
	w.Counts.Campaigns++
}

func (r *raft) elect(h *host) {
	r.pre = false
	r.term++
	r.voted, r.in = h.id, r.term // on the disk
	r.votes = []lease.ID{h.id}
	h.w.note(string(h.id), "raft stands for term %d", r.term)
	h.next(lease.Stood{Term: r.term})
	r.arm(h)
	r.ask(h, r.term)
	r.counted(h)
}

// ask asks everybody for a vote or a pre-vote.
func (r *raft) ask(h *host, term uint64) {
	w, pre, override, log := h.w, r.pre, r.override, r.log
	for _, v := range w.voters {
		if o := w.host(v); o != h {
			w.call(h, o, func() {
				if pre {
					o.raft.preVote(o, h, term, log)
				} else {
					o.raft.requested(o, h, term, log, override)
				}
			})
		}
	}
}

func (r *raft) preVote(h, from *host, term uint64, log lease.Position) {
	granted := (r.leader == "" || r.leader == from.id) && term > r.term && !log.Before(r.log)
	mine := r.term
	h.w.call(h, from, func() {
		f := &from.raft
		if f.role == candidate && f.pre && granted && term == f.term+1 && !slices.Contains(f.votes, h.id) {
			f.votes = append(f.votes, h.id)
			f.counted(from)
		} else if mine > f.term {
			f.see(from, mine)
		}
	})
}

// requested is a request for a vote: the transport tells the machine, raft thinks,
// flushes its disk and answers, the transport tells the machine again.
func (r *raft) requested(h, from *host, term uint64, log lease.Position, override bool) {
	w := h.w
	h.next(lease.VoteAsked{Term: term})
	h.local(w.between(0, 4*time.Millisecond), func() {
		granted := r.vote(h, from.id, term, log, override)
		h.local(w.between(0, 8*time.Millisecond), func() {
			h.next(lease.VoteAnswered{Term: term, RaftTerm: r.term, Granted: granted})
			promises := h.machine.Promises(h.clock.read(w.now))
			mine := r.term
			w.call(h, from, func() { from.raft.answered(from, h.id, term, mine, granted, promises) })
		})
	})
}

func (r *raft) vote(h *host, to lease.ID, term uint64, log lease.Position, override bool) bool {
	if r.leader != "" && r.leader != to && !override {
		return false
	}
	if term < r.term {
		return false
	}
	if term > r.term {
		r.follow(h, term)
	}
	if r.in == term {
		return r.voted == to
	}
	if log.Before(r.log) {
		h.w.Counts.LogBehind++
		r.behind = !h.amphora
		return false
	}
	r.voted, r.in = to, term
	r.contact = h.w.now
	h.w.note(string(h.id), "raft votes for %s in term %d", to, term)
	return true
}

func (r *raft) answered(h *host, by lease.ID, term, theirs uint64, granted bool, promises []lease.Promise) {
	if granted {
		h.next(lease.VoteGranted{By: by, Term: term, Promises: promises})
	}
	if theirs > r.term {
		r.see(h, theirs)
		return
	}
	if granted && r.role == candidate && !r.pre && term == r.term && !slices.Contains(r.votes, by) {
		r.votes = append(r.votes, by)
		r.counted(h)
	}
}

// counted looks whether the votes suffice.
func (r *raft) counted(h *host) {
	w := h.w
	if len(r.votes) < len(w.voters)/2+1 {
		return
	}
	if r.pre {
		r.elect(h)
		return
	}
	w.check.leads(h, r.term)
	r.role, r.leader, r.override, r.behind = leader, h.id, false, false
	r.log = lease.Position{Index: r.log.Index + 1, Term: r.term}
	r.acks = map[lease.ID]at{}
	for _, v := range w.voters {
		r.acks[v] = w.now
	}
	term := r.term
	h.local(w.between(0, 2*time.Millisecond), func() {
		h.fed = max(h.fed, term)
		h.next(lease.Elected{Term: term})
	})
	r.heartbeat(h, r.term)
}

// heartbeat sends AppendEntries while this node leads the term.
func (r *raft) heartbeat(h *host, term uint64) {
	w := h.w
	if r.role != leader || r.term != term {
		return
	}
	fresh := 0
	for _, v := range w.voters {
		if v == h.id || time.Duration(w.now-r.acks[v]) < w.electionTimeout()/2 {
			fresh++
		}
	}
	if fresh < len(w.voters)/2+1 { // raft's leader lease: no leader, same term
		r.role, r.leader, r.alone = follower, "", w.now
		r.arm(h)
		return
	}
	// Where times are measured nothing is written: a witness that alone has the last
	// entry must lead first, and that takes as long as raft's own timers.
	if w.now >= r.giving && w.kind != Single && w.chance(0.1) {
		r.log.Index++
	}
	log := r.log
	for _, v := range w.voters {
		if o := w.host(v); o != h {
			w.call(h, o, func() { o.raft.append(o, h, term, log) })
		}
	}
	h.local(w.electionTimeout()/10, func() { r.heartbeat(h, term) })
}

func (r *raft) append(h, from *host, term uint64, log lease.Position) {
	w := h.w
	h.next(lease.TermSeen{Term: term})
	if term >= r.term {
		if term > r.term || r.role != follower {
			r.follow(h, term)
		}
		r.leader, r.contact, r.behind = from.id, w.now, false
		r.log = log
	}
	mine := r.term
	w.call(h, from, func() {
		if from.raft.role == leader && from.raft.term == term {
			from.raft.acks[h.id] = w.now
		}
		from.raft.see(from, mine)
	})
}

// see steps down when somebody knows a newer term.
func (r *raft) see(h *host, term uint64) {
	if term > r.term {
		r.follow(h, term)
		h.next(lease.TermSeen{Term: term})
	}
}

func (r *raft) follow(h *host, term uint64) {
	r.role, r.leader, r.pre, r.override, r.alone = follower, "", false, false, h.w.now
	r.term = term
	r.arm(h)
}

// transfer gives leadership away: to one node, or to any amphora.
func (r *raft) transfer(h *host, to lease.ID) {
	w := h.w
	if r.role != leader {
		return
	}
	if to == "" {
		var others []*host
		for _, o := range w.hosts {
			if o != h && o.amphora {
				others = append(others, o)
			}
		}
		if len(others) == 0 {
			return
		}
		to = pick(w, others).id
	}
	r.giving = w.now.add(w.electionTimeout())
	o, term, log := w.host(to), r.term, r.log
	w.call(h, o, func() {
		if o.raft.term != term || o.raft.role != follower {
			return
		}
		o.raft.log = log
		o.raft.stand(o, true)
	})
}
