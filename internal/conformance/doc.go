// Package conformance compares the REST API with what it is to be like: Octavia itself,
// run from Debian's packages, and the clients that people have.
//
// It holds tests and what they need, and nothing of the product.
package conformance
