// Package cluster runs one node of an Amphora cluster: its raft node with log,
// stable and snapshot stores, its gossip, its membership, and the port on which
// nodes talk to each other. It owns who leads, who may hold the virtual IPs until
// when, and that an acknowledged command is never lost.
//
// It must never look into a command: it carries bytes to a raft.FSM that it is
// given, and knows neither load balancers nor virtual IPs. It never decides from
// gossip who leads, and never forms a cluster because it failed to find one.
package cluster
