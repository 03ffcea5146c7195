// Package fsm is the replicated state machine: it applies committed log entries
// to the configuration and keeps the result in a bbolt file of its own.
//
// It owns the encoding of commands and responses, the file, snapshots of it, and
// the current [lb.Config]. It must never decide what a command may do, which is
// lb's part, nor read a clock, draw a random number or look at anything but the
// log: every node has to arrive at the same bytes.
//
// A command that breaks a rule is answered, not failed: raft does nothing with
// an error. What must not go on, such as an entry that cannot be decoded or a
// write that fails, is a panic that names index and term.
//
// DESIGN.md beside this file says how it hangs together and what it costs.
package fsm
