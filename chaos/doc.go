// Package chaos is the lab in which Amphora is killed: hosts made of network
// namespaces around one switch, real amphorad and amphoractl processes, web
// servers, clients that note what they see, and the faults. The demo is its
// first scenario.
//
// It judges from outside: by what clients got, by which host carries the VIP,
// by what the admin API answers. It must never import what it judges.
package chaos
