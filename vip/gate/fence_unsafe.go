//go:build unsafe_no_fence

package gate

// fenced: nothing is attached, and every lease is recorded as one without end. Only
// for showing that the chaos suite notices, and with BPF only.
const fenced = false
