// Package spread carries what the engine of one amphora has learned of its clients to the engines of the others, so that it outlives a
// failover. It owns the pace, the bounds and the repetition after a loss; what a batch says is the engines' business.
//
// It must never go through raft, hold up a connection or a change, or be needed for anything to be correct: what is lost costs a client
// its place at a member, no more.
package spread
