// Package sticky remembers which member of a pool a client belongs to: the session persistence of one pool. It owns the tables, their
// bounds and expiry, and the bytes in which one node tells another what it has learned.
//
// A table is cut into shards with a lock each, so that connections do not wait for each other; finding a client allocates nothing. Entries
// name members by id: they stay valid whatever else changes in the pool. The package must never choose a member, know whether one is up, or
// send anything: the engine asks and tells it, and whoever replicates carries its batches.
package sticky
