// Package vip owns the virtual IP addresses of one network interface and their
// announcements on the wire.
//
// A Holder is told: Update names all addresses, which a Guard then denies until
// they are held, Hold puts them on the interface and announces them, Release takes
// them away. A Prober asks the network what a node of two goes by. Neither decides
// who may hold an address; that is for consensus and the lease. They never touch an
// address that does not carry Protocol, so that what an operator, a DHCP client
// or the kernel put there stays.
//
// The package works on Linux only, as does everything that imports it.
package vip
