// Package seal encrypts the payloads of secrets and signs tokens, with keys that it
// derives from one secret of the cluster. It must never know a resource or a request:
// it is given bytes.
package seal
