// Package admin is the administration API of a node over gRPC: the server that
// amphorad runs and the client that amphoractl and the chaos suite use.
//
// It turns names into ids, requests into [lb.Op] values, domain errors into
// status codes and back. It decides nothing about load balancers or nodes: the
// rules are lb's, and everything else is asked of the [Backend]. It must never
// hold state that a restart would lose.
package admin
