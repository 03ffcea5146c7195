package http1

// Limits bounds what one message may cost. A driver starts from DefaultLimits and changes what its listener asks for.
type Limits struct {
	// Head is the size in bytes of a whole head, leading empty lines and final empty line included, and of a trailer section.
	// It must not exceed MaxHead. Beyond it a request is answered 431, a response 502.
	Head int
	// Fields is the number of field lines in a head, and in a trailer section. Beyond it a request is answered 431, a response 502.
	Fields int
	// Target is the size in bytes of a request target. Beyond it the answer is 414.
	Target int
}

// MaxHead is the largest head in bytes that can be parsed, whatever Limits asks for: positions are kept in 16 bits.
const MaxHead = 1<<16 - 1

// DefaultLimits returns 16 KiB for a head, 100 field lines and 8 KiB for a target.
func DefaultLimits() Limits { return Limits{Head: 16 << 10, Fields: 100, Target: 8 << 10} }
