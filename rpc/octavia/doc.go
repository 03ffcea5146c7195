// Package octavia is the load balancer API that OpenStack's tools speak: Octavia v2 over
// HTTP and JSON, as an [http.Handler] that internal/node serves.
//
// It turns requests into [lb.Op] values, errors of the domain into faults, and resources
// into JSON. It decides nothing about load balancers: the rules are lb's, statuses are
// derived by lb, who calls is found out by the middleware in front of it
// ([access.From]), and everything else is asked of the [Backend]. It must never hold
// state that a restart would lose.
package octavia
