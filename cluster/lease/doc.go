// Package lease decides until when a node may hold the virtual IPs. It is a pure
// state machine: no clock, no socket, no goroutine. Its caller feeds it events with
// the time at which they happened and carries out the actions that it returns.
//
// raft decides who may hold: the node that won the newest term. The lease decides
// until when: a holder asks every voter, again and again, to promise not to help
// anybody else for a while, and holds only until the promise runs out that a quorum
// made to a question whose sending time it knows. The kernel enforces it: the end of
// the lease is an absolute time in the gate, so that a dead or frozen holder stops
// by itself. DESIGN.md has the rules and why two nodes never hold at once.
//
// The package must never read a clock, send anything, or know raft, gossip or load
// balancers. It uses the standard library only.
package lease
