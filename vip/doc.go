// Package vip owns the virtual IP addresses of one network interface and their
// announcements on the wire.
//
// A Holder is told: Hold puts the addresses on the interface and announces
// them, Update changes the set, Release takes them away. It never decides who
// may hold an address; that is for consensus and the lease. It never touches an
// address that does not carry Protocol, so that what an operator, a DHCP client
// or the kernel put there stays.
//
// The package works on Linux only, as does everything that imports it.
package vip
