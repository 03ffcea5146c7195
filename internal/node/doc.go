// Package node is the composition root: it builds one node of Amphora out of
// the packages that each do one thing, and runs it. It is the only place that
// sees everything, so tests, the demo and the chaos suite run what ships. It
// decides nothing that a package below it could decide.
package node
