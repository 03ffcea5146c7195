// Package access says who calls a REST API and what that caller may do. The identity
// API finds out who it is ([Authenticator]), a middleware puts it into the request's
// context, and the other APIs ask it for each call ([Caller.May]).
//
// It must never know a resource, a token's form or HTTP paths.
package access
