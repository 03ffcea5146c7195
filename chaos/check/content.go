package check

import (
	"maps"
	"slices"
)

// Kept is the first part of I5: what was acknowledged as created is there, on
// every node. has is what each node lists. It returns how many are lost.
func Kept(acknowledged []string, has map[string][]string) (lost int, bad []Violation) {
	for _, node := range slices.Sorted(maps.Keys(has)) {
		there := map[string]bool{}
		for _, name := range has[node] {
			there[name] = true
		}
		var missing []string
		for _, name := range acknowledged {
			if !there[name] {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			lost = max(lost, len(missing))
			bad = append(bad, violation("I5", 0, "%s lost %d of %d acknowledged objects: %v", node, len(missing), len(acknowledged), missing[:min(5, len(missing))]))
		}
	}
	return lost, bad
}

// Same is I6: after healing, every node has the same content. content is what each
// exports, in an order that depends on nothing but the content.
func Same(content map[string]string) (bad []Violation) {
	nodes := slices.Sorted(maps.Keys(content))
	for _, node := range nodes[min(1, len(nodes)):] {
		if a, b := content[nodes[0]], content[node]; a != b {
			at := firstDifference(a, b)
			bad = append(bad, violation("I6", 0, "%s and %s differ at byte %d: %q, %q", nodes[0], node, at, around(a, at), around(b, at)))
		}
	}
	return bad
}

func firstDifference(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func around(s string, at int) string {
	const context = 60
	return s[max(0, at-context):min(len(s), at+context)]
}

// Lead is a look at a node that led in a term.
type Lead struct {
	Term uint64
	Node string
}

// OneLeader is the last part of I5: no two nodes lead in the same term.
func OneLeader(leads []Lead) (bad []Violation) {
	leader := map[uint64]string{}
	for _, l := range leads {
		switch have := leader[l.Term]; have {
		case "":
			leader[l.Term] = l.Node
		case l.Node:
		default:
			bad = append(bad, violation("I5", 0, "%s and %s led in term %d", have, l.Node, l.Term))
			leader[l.Term] = l.Node
		}
	}
	return bad
}

// Clean is I10: what was found after stop, of each node, and was not there before
// the start.
func Clean(before, after map[string][]string) (bad []Violation) {
	for _, node := range slices.Sorted(maps.Keys(after)) {
		for _, thing := range after[node] {
			if !slices.Contains(before[node], thing) {
				bad = append(bad, violation("I10", 0, "%s left %s behind", node, thing))
			}
		}
	}
	return bad
}
