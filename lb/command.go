package lb

import "time"

// Command asks for one change.
type Command struct {
	Stamp
	// Revision is the raft index of the entry that carries the command. The
	// state machine fills it in when it applies the entry.
	Revision uint64
	// Exempt lets the command pass quotas: its caller is not bound by them.
	Exempt bool
	// Unnumbered is of commands of a time when resources got no [Meta.Serial]: the state
	// machine has to make of them what it made then.
	Unnumbered bool
	Op         Op
}

// Stamp is filled in by the node that proposes the command, because Apply must
// not read a clock or draw a random number.
type Stamp struct {
	At time.Time // UTC, second precision
	// ID is a fresh UUID: the id of the resource that the command creates. Those of
	// further resources are derived from it.
	ID string
}

// Op is what a command does: one of the types below.
//
// Each type's apply method checks the operation against e, which is as the
// command found it, and carries it out there; it changes e only when it has
// found nothing wrong.
type Op interface {
	apply(e *edit) (Result, error)
}

// Result names the resource that a command created, updated or deleted.
type Result struct {
	Kind Kind
	ID   string
}

// Change is one resource that a command wrote or deleted. Object is a pointer to
// the resource of that kind, nil when it was deleted. A *Pool in a Change is stored
// without Members and Monitor, a *Listener without L7Policies, an *L7Policy without
// Rules: they are resources of their own, with changes of their own.
type Change struct {
	Kind   Kind
	ID     string
	Object any
}
