// Package health finds out which members answer. It owns the schedule of the
// checks, the probes (TCP, TLS, HTTP, ICMP, UDP) and the verdict on each member.
// It must never decide what follows from a verdict: which members get traffic is
// the engine's business.
//
// A verdict belongs to a member together with its health monitor. Nothing is
// shared between pools that happen to have a member at the same address.
package health
