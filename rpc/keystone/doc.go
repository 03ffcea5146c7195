// Package keystone says who calls. It serves an identity API that stock clients of
// OpenStack log in with (Keystone's, version 3), asks a real Keystone instead where there
// is one, or nobody on loopback, and puts the [access.Caller] into the request's context
// for the other APIs.
//
// Users, projects and roles are replicated objects of package lb; tokens are signed, not
// stored. It must never know a load balancer.
package keystone
