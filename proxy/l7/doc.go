// Package l7 decides by the L7 policies of a listener what becomes of a request: which pool it goes to, whether it is rejected or
// sent elsewhere. It owns the meaning of policies and rules: what a rule looks at, how it compares, and which policy goes first.
//
// A [Table] is compiled once for each change of a listener and is immutable. Matching a request takes no lock, allocates nothing and
// takes time linear in the request, whatever the expressions are. The package must never answer a request, choose a member or know a
// connection: the engine does what an [Outcome] says.
package l7
