// Package neutron serves the part of OpenStack's Networking API v2.0 that clients of a
// load balancer use: networks, subnets, ports, security groups and QoS policies, by name
// and by id. Every VIP is a port.
//
// It moves no packet: nothing is enforced by a security group or a QoS policy. It must
// never decide a rule about a resource; those are in lb.
package neutron
