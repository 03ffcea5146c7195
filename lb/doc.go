// Package lb is the domain of Amphora: load balancers, listeners, pools,
// members, health monitors and subnets, the rules between them, and the one
// function that changes them.
//
// [Apply] is pure: it takes an immutable [Config] and a [Command] and returns
// the next Config. It reads no clock, draws no random number and touches no
// file, so every node that applies the same commands in the same order arrives
// at the same Config. Time and new ids ride in the command, stamped by the
// leader.
//
// Everything reachable from a Config is shared and must never be modified.
// A command copies only the [Tree] of the load balancer that it touches; all
// other trees are the same pointers in the old and in the new Config, which is
// how the engine finds out cheaply what changed.
//
// Package lb imports the standard library only and must stay so. It knows
// nothing of raft, storage, sockets or any API's spelling of an object.
// Status is derived, never stored: the methods of [View] compute it from a
// Config and from what the holder's engine reports.
package lb
