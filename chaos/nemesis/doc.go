// Package nemesis plagues a real cluster with faults, drawn from a seed, while
// clients use it, and lets the judges of package check decide whether anything
// happened that must not.
//
// It must never judge: what it knows of a fault only says when which outage is
// allowed. The schedule of faults is the same for the same seed; what the cluster
// does with it is not, since its machines are real.
package nemesis
