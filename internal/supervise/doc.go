// Package supervise is the small parent process of a node. It starts the node
// proper, the worker, as a child, and turns the worker's death, stop or freeze into
// a fact that the other nodes may rely on: it shuts the gate for the term that the
// worker held, sends the worker's will, removes the addresses, and starts the worker
// again.
//
// It never decides who holds, never opens a gate, never says that a gate is shut
// before it is, and never waits for anything between the worker's end and the will.
// Worker and parent share one page of memory; the parent believes nothing in it
// without a bound.
package supervise
