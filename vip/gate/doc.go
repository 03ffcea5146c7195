// Package gate owns the filter in the kernel that passes what concerns a virtual
// IP only while the lease of its holder lasts. It guards one network interface, in
// both directions: ARP, neighbour discovery, IPv4 and IPv6. What does not concern
// a virtual IP passes untouched.
//
// The gate is shut unless it was told until when it may be open, and it shuts by
// itself at that instant: no process has to run for that. Everything it consists
// of is pinned, so that it goes on guarding when the process dies, and the next
// process adopts it.
//
// It must never decide who may hold an address, never open by itself, and never
// detach what guards before something else does.
//
// All instants are nanoseconds of CLOCK_BOOTTIME. The package works on Linux only.
package gate
