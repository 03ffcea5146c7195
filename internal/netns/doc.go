// Package netns makes network namespaces, the cables between them, and takes
// them away again. The kernel tests of package vip and the chaos lab stand on
// it. It drives netlink itself and needs no external program.
//
// It must never change the namespace that the program was started in, apart
// from the names under /run/netns: links are made inside the namespaces that
// this package made. It needs CAP_NET_ADMIN and CAP_SYS_ADMIN and works on
// Linux only.
package netns
