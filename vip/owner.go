package vip

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// owner is the state of the goroutine that owns the addresses.
type owner struct {
	cfg      Config // its logger names the interface
	kernel   kernel
	announce *announcer
	guard    guarded
	link     Link
	index    int                       // of the interface, 0 while there is none
	state    map[netip.Addr]*addrState // of every VIP
	told     order                     // carried out last
	claimed  Claim
	alarms   *rate.Limiter // bounds the log of what strangers cause
	problem  error         // what ails the interface as a whole
	hint     error         // what ails it, but keeps nothing from working
	again    bool          // something failed: try again soon
	robbed   bool          // an address had gone from the interface
	passed   bool          // a pass has been made
}

type addrState struct {
	since   time.Time // zero: not on the interface
	err     error
	foreign bool // on this host from somebody else, when we looked last
	rival   *rivalError
}

// pass makes the interface what the order says. It returns an error when
// addresses of ours may remain that should not. Its steps are in the order of a
// release, followed by that of a claim.
func (o *owner) pass(now time.Time, told order) (left error) {
	o.again, o.robbed = false, false
	o.told = told

	// Release. The gate has been shut by now.
	o.forget()
	have, err := o.kernel.look()
	if errors.Is(err, errNoInterface) {
		o.lose(now, err)
		return nil
	}
	if err != nil {
		o.report(err)
		return err
	}
	// What was announced before a Hold, another host may have contradicted since.
	anew := o.see(now, have.link) || told.wish == wantAll && !o.claimed.Told.Equal(told.at)
	todo := diff(told.set, told.wish, have, o.cfg.Lifetime)
	left = o.removeAll(todo.remove)

	// Prepare: guard what is to come and what has not gone, have all at hand that a
	// claim needs.
	var lingering []address
	if left != nil {
		lingering = todo.remove
	}
	unguarded := o.guard.cover(have.link, told.set, lingering)
	o.again = o.again || unguarded != nil
	o.report(errors.Join(left, o.announce.prepare(told.set)))
	o.lookAround()

	// Claim.
	wrong := make(map[netip.Addr]error) // of several things, the last one
	for _, addr := range told.set {
		s := o.state[addr]
		_, s.foreign = todo.foreign[addr]
		if s.rival.old(now) {
			s.rival = nil
		}
		if s.rival != nil {
			wrong[addr] = s.rival
		}
		if !o.guard.covers(addr) {
			wrong[addr] = unguarded
		}
	}
	o.refresh(todo.refresh, wrong)
	if told.wish == wantAll {
		o.add(now, todo.add, todo.present, anew, wrong)
	}
	for addr, a := range todo.foreign {
		wrong[addr] = o.dispute(addr, a, slices.Contains(todo.present, addr))
	}
	for _, addr := range told.set {
		o.note(addr, wrong[addr])
	}
	o.passed = true
	return left
}

// see takes note of the link. It reports whether what is announced must be
// announced anew.
func (o *owner) see(now time.Time, l link) (relink bool) {
	if o.link.Since.IsZero() || l.up != o.link.Up {
		o.link.Since = now
	}
	o.link.Up, o.link.MAC, o.index = l.up, l.hardwareAddr(), l.index
	return o.announce.setLink(now, l)
}

// lookAround learns whom to ask at a claim, and makes the switches ready for it.
// Without either a claim still works.
func (o *owner) lookAround() {
	peers, err := o.kernel.around(o.index)
	if err == nil {
		o.announce.ask.peers = peers
	}
	var nodes []netip.Addr
	for _, addr := range o.told.set {
		if addr.Is6() {
			nodes = append(nodes, solicitedNode(addr))
		}
	}
	err = errors.Join(err, o.kernel.join(o.index, nodes))
	if err != nil && !sameError(err, o.hint) {
		o.cfg.Logger.Warn("a claim may be noticed late by some neighbours", logkey.Err, err)
	}
	o.hint = err
}

// forget stops announcing what is no longer wanted. It needs no help from the
// kernel, so it happens even when the addresses cannot be removed.
func (o *owner) forget() {
	known := make(map[netip.Addr]bool, len(o.told.set))
	for _, addr := range o.told.set {
		known[addr] = true
		if o.state[addr] == nil {
			o.state[addr] = &addrState{}
		}
	}
	for addr, s := range o.state {
		if o.told.wish == wantAll && known[addr] {
			continue
		}
		o.announce.stop(addr)
		s.since, s.rival = time.Time{}, nil
		if !known[addr] {
			delete(o.state, addr)
		}
	}
}

// lose notes that the interface has gone, and the addresses with it.
func (o *owner) lose(now time.Time, err error) {
	if o.link.Up || o.link.Since.IsZero() {
		o.link.Since = now
	}
	o.link.Up, o.link.MAC, o.index = false, nil, 0
	o.guard.lose()
	for addr, s := range o.state {
		o.announce.stop(addr)
		*s = addrState{err: err}
	}
	o.announce.unplug()
	o.report(err)
	o.again = false // an event tells when it is back
}

func (o *owner) removeAll(addrs []address) error {
	if len(addrs) == 0 {
		return nil
	}
	wrong := o.kernel.remove(addrs)
	var errs []error
	var gone []netip.Addr
	for _, a := range addrs {
		addr := a.prefix.Addr()
		if err := wrong[addr]; err != nil {
			errs = append(errs, err)
			continue
		}
		gone = append(gone, addr)
	}
	switch {
	case len(gone) == 0:
	case o.passed:
		o.cfg.Logger.Info("addresses removed", logkey.VIP, addrList(gone))
	default:
		o.cfg.Logger.Info("leftover addresses removed", logkey.VIP, addrList(gone))
	}
	return errors.Join(errs...)
}

func (o *owner) refresh(addrs []netip.Addr, wrong map[netip.Addr]error) {
	if len(addrs) == 0 {
		return
	}
	for addr, err := range o.kernel.put(o.index, addrs, o.cfg.Lifetime, true) {
		wrong[addr] = err
		o.again = true
	}
}

// note records what is wrong with one address, nil if nothing is, and logs it
// when it is new.
func (o *owner) note(addr netip.Addr, err error) {
	s := o.state[addr]
	if err != nil && !sameError(s.err, err) {
		o.cfg.Logger.Error("address not as told", logkey.VIP, addr, logkey.Err, err)
	}
	s.err = err
}

// report records what is wrong with the interface, nil if nothing is, and logs
// it when it is new.
func (o *owner) report(err error) {
	if err != nil && !sameError(err, o.problem) {
		o.cfg.Logger.Warn("interface not as told; trying again", logkey.Err, err)
	}
	o.problem = err
	o.again = o.again || err != nil
}

func (o *owner) view() View {
	v := View{Term: o.told.term, Holding: o.told.wish == wantAll, Link: o.link, Claim: o.claimed, Err: o.problem}
	v.Claim.Answered, v.Silent = o.announce.ask.answered, o.announce.ask.silence()
	for _, addr := range o.told.set {
		s := o.state[addr]
		a := AddrView{Addr: addr, Present: !s.since.IsZero(), Since: s.since, Err: s.err}
		if s.rival != nil {
			a.Rival = s.rival.mac[:]
		}
		v.Addrs = append(v.Addrs, a)
	}
	return v
}
