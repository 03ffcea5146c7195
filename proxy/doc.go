// Package proxy is the engine: the data plane of one amphora behind one call,
// [Engine.Apply]. It owns the listening sockets, the client and member
// connections, the choice of members and the health checks.
//
// It must never decide what the configuration is or whether this node may
// answer for a VIP: it serves what it is given, on every amphora, all the time,
// so that a takeover opens nothing. It never touches an address of an interface.
//
// One goroutine, that of [Engine.Run], owns the control state. It turns each
// [lb.Config] into immutable snapshots that connections read through atomic
// pointers; what must survive a change (counts, idle connections, health) lives
// in records that snapshots point to.
package proxy
