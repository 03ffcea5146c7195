// Package event keeps what happened on a node lately, for people who watch it:
// a bounded log in memory and readers that follow it. It must never hold back
// the code that reports an event, and nothing may be decided by what it says:
// old events are dropped and all are gone after a restart.
package event

import "time"

// Kind says what happened.
type Kind string

// The kinds of event.
const (
	Created       Kind = "created"
	Updated       Kind = "updated"
	Deleted       Kind = "deleted"
	StatusChanged Kind = "status changed"
	LeaderChanged Kind = "leader changed"
	HolderChanged Kind = "holder changed"
	VIPClaimed    Kind = "VIP claimed"
	VIPReleased   Kind = "VIP released"
	VIPDisputed   Kind = "VIP disputed"
	NodeJoined    Kind = "node joined"
	NodeFailed    Kind = "node failed"
	NodeLeft      Kind = "node left"
)

// Event is one thing that happened. Fields that do not apply are empty.
type Event struct {
	Seq      uint64    // 1, 2, 3 ... since the node started; set by [Log.Append]
	At       time.Time // UTC; set by [Log.Append] when zero
	Node     string    // name of the node that reports it; set by [Log.Append] when empty
	Kind     Kind
	Resource string // kind of the resource that it is about, such as "pool" or "node"
	ID       string // id of that resource
	Name     string // its name
	Message  string // one line for people
}
