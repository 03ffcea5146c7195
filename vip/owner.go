package vip

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// owner is the state of the goroutine that owns the addresses.
type owner struct {
	cfg      Config // its logger names the interface
	kernel   kernel
	announce *announcer
	guard    guarded
	link     Link
	state    map[netip.Addr]*addrState // of every VIP
	problem  error                     // what ails the interface as a whole
	again    bool                      // something failed: try again soon
	robbed   bool                      // an address had gone from the interface
	passed   bool                      // a pass has been made
}

type addrState struct {
	since time.Time // zero: not on the interface
	err   error
}

// pass makes the interface what the order says. It returns an error when
// addresses of ours may remain that should not. Its steps are in the order of a
// release, followed by that of a claim.
func (o *owner) pass(now time.Time, told order) (left error) {
	o.again, o.robbed = false, false
	want := told.wanted()

	// Release. The gate has been shut by now.
	o.forget(told)
	have, err := o.kernel.look()
	if errors.Is(err, errNoInterface) {
		o.lose(now, err)
		return nil
	}
	if err != nil {
		o.report(err)
		return err
	}
	if err := o.see(now, have.link); err != nil {
		o.report(err)
		return err
	}
	todo := diff(want, have, o.cfg.Lifetime)
	left = o.removeAll(todo.remove)

	// Guard what is to come, and what has not gone.
	var lingering []address
	if left != nil {
		lingering = todo.remove
	}
	unguarded := o.guard.cover(have.link, told.set, lingering)
	o.again = o.again || unguarded != nil
	o.report(errors.Join(left, o.announce.ready()))

	// Claim.
	wrong := make(map[netip.Addr]error) // of several things, the last one
	for _, addr := range told.set {
		if !o.guard.covers(addr) {
			wrong[addr] = unguarded
		}
	}
	for _, addr := range todo.add {
		if o.guard.covers(addr) {
			wrong[addr] = o.add(now, told.term, have.link, addr)
		}
	}
	for _, addr := range todo.present {
		if err := o.found(now, addr); err != nil {
			wrong[addr] = err
		}
	}
	for _, addr := range todo.refresh {
		if err := o.refresh(have.link, addr); err != nil {
			wrong[addr] = err
		}
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

// see takes note of the link.
func (o *owner) see(now time.Time, l link) error {
	if o.link.MAC == nil || l.up != o.link.Up {
		o.link.Since = now
	}
	o.link.Up, o.link.MAC = l.up, l.hardwareAddr()
	return o.announce.setLink(now, l)
}

// forget stops announcing what is no longer wanted. It needs no help from the
// kernel, so it happens even when the addresses cannot be removed.
func (o *owner) forget(told order) {
	known := make(map[netip.Addr]bool, len(told.set))
	for _, addr := range told.set {
		known[addr] = true
		if o.state[addr] == nil {
			o.state[addr] = &addrState{}
		}
	}
	for addr, s := range o.state {
		if told.hold && known[addr] {
			continue
		}
		o.announce.stop(addr)
		s.since = time.Time{}
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
	o.link.Up, o.link.MAC = false, nil
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
	var errs []error
	for _, a := range addrs {
		addr := a.prefix.Addr()
		if err := o.kernel.remove(a); err != nil {
			errs = append(errs, err)
			continue
		}
		if o.passed {
			o.cfg.Logger.Info("address removed", logkey.VIP, addr)
		} else {
			o.cfg.Logger.Info("leftover address removed", logkey.VIP, addr)
		}
	}
	return errors.Join(errs...)
}

func (o *owner) add(now time.Time, term uint64, l link, addr netip.Addr) error {
	s := o.state[addr]
	vanished := !s.since.IsZero()
	if err := o.kernel.put(l.index, addr, o.cfg.Lifetime, false); err != nil {
		o.announce.stop(addr)
		s.since = time.Time{}
		o.again = true
		return err
	}
	if vanished {
		o.robbed = true
		o.cfg.Logger.Warn("address had gone from the interface; added again", logkey.VIP, addr)
	} else {
		o.cfg.Logger.Info("address added", logkey.VIP, addr, logkey.Term, term)
	}
	return o.serve(now, addr)
}

// found takes note of an address that is on the interface. It is unknown when an
// earlier process left it and it is held already at the first pass.
func (o *owner) found(now time.Time, addr netip.Addr) error {
	if o.state[addr].since.IsZero() {
		return o.serve(now, addr)
	}
	return nil
}

func (o *owner) refresh(l link, addr netip.Addr) error {
	err := o.kernel.put(l.index, addr, o.cfg.Lifetime, true)
	o.again = o.again || err != nil
	return err
}

// serve begins the announcements of an address that is on the interface now. The
// first leaves at once: it does not wait until the other addresses are there.
func (o *owner) serve(now time.Time, addr netip.Addr) error {
	o.state[addr].since = now
	return o.announce.start(now, addr)
}

// disputedError says that an address is on this host from somebody else.
type disputedError struct {
	a     address
	where string
}

func (e *disputedError) Error() string {
	return fmt.Sprintf("address %s is on interface %s already and is not ours: remove it there, or choose another VIP", e.a.prefix, e.where)
}

// dispute leaves the address of somebody else alone. Ours, if it is there too,
// keeps serving: to take it away would make an outage of an oversight. If ours
// has gone, nothing is announced any more.
func (o *owner) dispute(addr netip.Addr, a address, oursToo bool) error {
	if !oursToo {
		o.announce.stop(addr)
		o.state[addr].since = time.Time{}
	}
	where := o.cfg.Interface
	if a.index != o.announce.link.index {
		where = interfaceName(a.index)
	}
	return &disputedError{a, where}
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

func (o *owner) view(told order) View {
	v := View{Term: told.term, Holding: told.hold, Link: o.link, Err: o.problem}
	for _, addr := range told.set {
		s := o.state[addr]
		v.Addrs = append(v.Addrs, AddrView{Addr: addr, Present: !s.since.IsZero(), Since: s.since, Err: s.err})
	}
	return v
}
