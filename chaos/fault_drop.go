package chaos

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// dropping is a fault of rules in the switch's filter.
type dropping struct {
	name  string
	lab   *Lab
	rules []*rule
}

// String implements Fault.
func (d *dropping) String() string { return d.name }

func (d *dropping) apply(context.Context) error {
	for _, r := range d.rules {
		if err := d.lab.filter.add(r); err != nil {
			return err
		}
	}
	return nil
}

func (d *dropping) heal(context.Context) error {
	var errs []error
	for _, r := range d.rules {
		errs = append(errs, d.lab.filter.remove(r))
	}
	return errors.Join(errs...)
}

// Drop drops every frame from one host to another, but not the other way.
func Drop(from, to *Host) Fault {
	return &dropping{name: fmt.Sprintf("drop %s to %s", from.Name, to.Name), lab: from.lab, rules: []*rule{{from: from, to: to, percent: 100}}}
}

// Part drops every frame between two hosts.
func Part(a, b *Host) Fault {
	return &dropping{name: fmt.Sprintf("part %s and %s", a.Name, b.Name), lab: a.lab, rules: []*rule{
		{from: a, to: b, percent: 100},
		{from: b, to: a, percent: 100},
	}}
}

// Deafen drops every frame to a host: it is heard and hears nobody.
func Deafen(h *Host) Fault {
	return &dropping{name: "deafen " + h.Name, lab: h.lab, rules: []*rule{{to: h, percent: 100}}}
}

// Mute drops every frame from a host: it hears everybody and is not heard.
func Mute(h *Host) Fault {
	return &dropping{name: "mute " + h.Name, lab: h.lab, rules: []*rule{{from: h, percent: 100}}}
}

// Isolate drops every frame from a host and to it. Its carrier stays.
func Isolate(h *Host) Fault {
	return &dropping{name: "isolate " + h.Name, lab: h.lab, rules: []*rule{
		{from: h, percent: 100},
		{to: h, percent: 100},
	}}
}

// Lose drops a share of the frames from a host and to it, at random.
func Lose(h *Host, percent int) Fault {
	return &dropping{name: fmt.Sprintf("lose %d %% at %s", percent, h.Name), lab: h.lab, rules: []*rule{
		{from: h, percent: percent},
		{to: h, percent: percent},
	}}
}

// DropGossip drops the datagrams of gossip between two nodes, and leaves raft
// alone.
func DropGossip(a, b *Host) Fault {
	return dropPort("gossip", unix.IPPROTO_UDP, gossipPort, a, b)
}

// DropRaft drops what raft and other requests send between two nodes, and leaves
// gossip alone.
func DropRaft(a, b *Host) Fault {
	return dropPort("raft", unix.IPPROTO_TCP, raftPort, a, b)
}

func dropPort(what string, proto byte, port uint16, a, b *Host) Fault {
	return &dropping{name: fmt.Sprintf("drop %s between %s and %s", what, a.Name, b.Name), lab: a.lab, rules: []*rule{
		{from: a, to: b, percent: 100, proto: proto, port: port},
		{from: b, to: a, percent: 100, proto: proto, port: port},
	}}
}
