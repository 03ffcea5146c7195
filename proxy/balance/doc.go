// Package balance picks a member of a pool. It owns the algorithms and the
// count of what runs on each member, and nothing else: it knows no sockets, no
// health and no configuration. Whoever builds a [Balancer] gives it the members
// that are usable now, and builds another when that changes.
//
// A Balancer is immutable but for its position in the rotation. Picking takes
// no lock and allocates nothing.
package balance
