package vip

import (
	"net/netip"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// Claim is how far a claim has come.
type Claim struct {
	Term      uint64    // that it was made in
	Told      time.Time // Hold was called
	Added     time.Time // the last address was put on the interface
	Announced time.Time // the first announcement of the last address was sent
	Answered  time.Time // the last gateway said that it knows; zero before, and without gateways
}

// ready reports whether a claim can do without a look at the kernel: the last pass
// has looked, prepared all for this set, and put none of it on the interface.
func (o *owner) ready(told order) bool {
	return told.wish == wantAll && o.told.wish == wantNone && o.passed && o.index != 0 && o.problem == nil &&
		slices.Equal(told.set, o.told.set)
}

// claim puts the VIPs on the interface at once, from what the last pass knows. What
// has changed since is seen by the next pass; an address that somebody has put
// there meanwhile is not taken over, since the kernel adds exclusively.
func (o *owner) claim(now time.Time, told order) {
	o.told = told
	var addrs []netip.Addr
	for _, addr := range told.set {
		if o.guard.covers(addr) && !o.state[addr].foreign {
			addrs = append(addrs, addr)
		}
	}
	wrong := make(map[netip.Addr]error)
	o.add(now, addrs, nil, false, wrong)
	for addr, err := range wrong {
		o.note(addr, err)
	}
}

// add puts addresses on the interface and announces them, and those that are there
// already and were not announced, or with anew all of them. Each batch is announced
// before the next is added; questions and probes come after all.
func (o *owner) add(now time.Time, addrs, present []netip.Addr, anew bool, wrong map[netip.Addr]error) {
	var serve, added, returned []netip.Addr
	dropped := o.announce.stats.dropped.Load()
	for _, addr := range present {
		s := o.state[addr]
		// Unknown is what an earlier process left and is held at the first pass.
		if s.since.IsZero() || anew {
			serve = append(serve, addr)
		}
		if s.since.IsZero() {
			s.since = now
		}
	}
	first := len(addrs)+len(serve) > 0 && !o.claimed.Told.Equal(o.told.at)
	if first {
		o.claimed = Claim{Term: o.told.term, Told: o.told.at}
	}
	announced := func(at time.Time) {
		if first {
			o.claimed.Added = at
			if o.announce.sending() && o.announce.stats.dropped.Load() == dropped {
				o.claimed.Announced = time.Now()
			}
		}
	}
	if len(serve) > 0 {
		o.announce.start(now, serve)
		o.announce.run(now)
		announced(now)
	}
	addrs = slices.DeleteFunc(addrs, func(addr netip.Addr) bool { return !o.guard.covers(addr) })
	for chunk := range slices.Chunk(addrs, batch) {
		failed := o.kernel.put(o.index, chunk, o.cfg.Lifetime, false)
		at := time.Now()
		var there []netip.Addr
		for _, addr := range chunk {
			s := o.state[addr]
			if err := failed[addr]; err != nil {
				o.announce.stop(addr)
				s.since = time.Time{}
				wrong[addr] = err
				o.again = true
				continue
			}
			there = append(there, addr)
			if s.since.IsZero() {
				added = append(added, addr)
			} else {
				returned = append(returned, addr)
			}
			s.since = at
		}
		o.announce.start(at, there)
		o.announce.run(at)
		serve = append(serve, there...)
		if len(there) > 0 {
			announced(at)
		}
	}
	o.announce.inquire(time.Now(), serve)
	if len(added) > 0 {
		o.cfg.Logger.Info("addresses added", logkey.VIP, addrList(added), logkey.Term, o.told.term)
	}
	if len(returned) > 0 {
		o.robbed = true
		o.cfg.Logger.Warn("addresses had gone from the interface; added again", logkey.VIP, addrList(returned))
	}
}
