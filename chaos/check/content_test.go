package check

import (
	"fmt"
	"testing"
	"time"
)

func TestKept(t *testing.T) {
	has := map[string][]string{"a": {"x", "y", "z"}, "b": {"x", "y"}}
	if lost, bad := Kept([]string{"x", "y"}, has); lost != 0 || bad != nil {
		t.Errorf("good: %d, %v", lost, bad)
	}
	if lost, bad := Kept([]string{"x", "z"}, has); lost != 1 || len(bad) != 1 {
		t.Errorf("one lost on one node: %d, %v", lost, bad)
	}
}

func TestSame(t *testing.T) {
	if bad := Same(map[string]string{"a": "x=1 y=2", "b": "x=1 y=2"}); bad != nil {
		t.Errorf("good: %v", bad)
	}
	if bad := Same(map[string]string{"a": "x=1 y=2", "b": "x=1 y=3", "c": "x=1"}); len(bad) != 2 {
		t.Errorf("differing: %v", bad)
	}
	if bad := Same(nil); bad != nil {
		t.Errorf("nothing: %v", bad)
	}
}

func TestOneLeader(t *testing.T) {
	good := []Lead{{1, "a"}, {2, "b"}, {1, "a"}, {3, "a"}}
	if bad := OneLeader(good); bad != nil {
		t.Errorf("good: %v", bad)
	}
	if bad := OneLeader(append(good, Lead{2, "a"})); len(bad) != 1 {
		t.Errorf("two in a term: %v", bad)
	}
}

func TestClean(t *testing.T) {
	before := map[string][]string{"a": {"address 192.0.2.11"}}
	if bad := Clean(before, map[string][]string{"a": {"address 192.0.2.11"}, "b": nil}); bad != nil {
		t.Errorf("good: %v", bad)
	}
	if bad := Clean(before, map[string][]string{"a": {"address 192.0.2.11", "address 192.0.2.100"}}); len(bad) != 1 {
		t.Errorf("an address: %v", bad)
	}
}

func op(write bool, value string, call, ret Instant) Op {
	return Op{Register: "r", Write: write, Value: value, Call: call, Return: ret}
}

func TestLinearizable(t *testing.T) {
	const limit = time.Second
	unknown := op(true, "3", 40, 0)
	unknown.Unknown = true
	good := []Op{
		op(false, "", 0, 1),
		op(true, "1", 2, 10), op(false, "1", 5, 6), // seen before it returned
		op(true, "2", 11, 20), op(true, "x", 12, 19), op(false, "2", 21, 22), // either order
		unknown, op(false, "2", 45, 46), op(false, "3", 60, 61), // happened late
	}
	for i := range good {
		good[i].Client = i
	}
	if bad := Linearizable(good, limit); bad != nil {
		t.Errorf("good: %v", bad)
	}
	for name, more := range map[string]Op{
		"stale read":       op(false, "2", 70, 71),
		"value of nobody":  op(false, "7", 70, 71),
		"read back in the": op(false, "1", 30, 31),
	} {
		if bad := Linearizable(append(good, more), limit); len(bad) != 1 {
			t.Errorf("%s: %v", name, bad)
		}
	}
	// Registers are judged one by one.
	other := op(false, "2", 70, 71)
	other.Register = "s"
	if bad := Linearizable(append(good, other), limit); len(bad) != 1 {
		t.Errorf("another register: %v", bad)
	}
}

// A lost write among thousands of good operations is found, and quickly.
func TestLinearizableOfManyOperations(t *testing.T) {
	var ops []Op
	for i := range 2000 {
		at := Instant(10 * i)
		r := fmt.Sprint("r", i%4)
		ops = append(ops, Op{Client: 1, Register: r, Write: true, Value: fmt.Sprint(i), Call: at, Return: at + 5})
		ops = append(ops, Op{Client: 2, Register: r, Value: fmt.Sprint(i), Call: at + 6, Return: at + 8})
	}
	if bad := Linearizable(ops, 5*time.Second); bad != nil {
		t.Errorf("good: %v", bad)
	}
	ops[1001].Value = ops[993].Value // what the register held before
	if bad := Linearizable(ops, 5*time.Second); len(bad) != 1 {
		t.Errorf("one write lost: %v", bad)
	}
}
