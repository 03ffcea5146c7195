// Package wire watches the switch of a lab: who sends frames with a virtual IP as
// their sender, when exactly, and who answers a probe for it. It is a witness of
// its own: what it records owes nothing to what a node says of itself.
//
// It must never send anything that a node could take for traffic of another one,
// other than the ARP probes of [Prober], which name no sender address and so
// change nothing in any neighbour cache (RFC 5227, section 1.1).
package wire
