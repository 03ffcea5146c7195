//go:build !unsafe_no_fence

package gate

// fenced is true but for the negative control of the chaos suite.
const fenced = true
