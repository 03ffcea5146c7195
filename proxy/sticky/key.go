package sticky

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
)

// Key is what a client is recognised by. Tables and batches hold keys only, never the value of a cookie, which would let whoever reads them
// take over a session.
type Key [16]byte

// SourceKey is the key of a client's address: the part of it that mask covers, all of it if mask is the zero Addr or of the other family
// (persistence_granularity). An IPv4 address and its IPv4-mapped form are the same client.
func SourceKey(client, mask netip.Addr) Key {
	client, mask = client.Unmap(), mask.Unmap()
	k := client.As16()
	if !mask.IsValid() || mask.Is4() != client.Is4() {
		return k
	}
	m := mask.As16() // of IPv4 it is the last four bytes that count
	for i := range k {
		if mask.Is6() || i >= 12 {
			k[i] &= m[i]
		}
	}
	return k
}

// CookieKey is the key of a client that shows this value of the application's cookie.
func CookieKey(value []byte) Key {
	sum := sha256.Sum256(value)
	return Key(sum[:len(Key{})])
}

// shard spreads keys over the shards. Addresses of one network differ in few bits, so the bits are mixed (SplitMix64).
func (k Key) shard() int {
	x := binary.LittleEndian.Uint64(k[:8]) ^ binary.LittleEndian.Uint64(k[8:])
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return int((x ^ x>>31) % shards)
}
