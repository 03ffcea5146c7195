package check

import (
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Op is one operation on a register: an object's field that is written and read
// as a whole.
type Op struct {
	Client   int
	Register string
	Write    bool
	Value    string  // written, or read
	Call     Instant // before it was sent
	Return   Instant // after the answer came
	Unknown  bool    // no answer: it may have happened, or may happen later; Return means nothing
}

// registers is the specification: a read returns what was written last.
var registers = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		if op, write := input.(writeOp); write {
			return true, op.value
		}
		return output == state, state
	},
	Equal: func(a, b any) bool { return a == b },
	DescribeOperation: func(input, output any) string {
		if op, write := input.(writeOp); write {
			return "write " + op.value
		}
		text, _ := output.(string)
		return "read " + text
	},
}

type (
	writeOp struct{ value string }
	readOp  struct{}
)

// Linearizable is the second part of I5: there is an order of all operations, each
// somewhere between its call and its return, in which every read returns what
// was written before it (Herlihy and Wing 1990). An unknown write stays open to
// the end; an unknown read says nothing. A search that takes longer than limit
// for one register is reported too: it proves nothing.
func Linearizable(ops []Op, limit time.Duration) (bad []Violation) {
	perRegister := map[string][]porcupine.Operation{}
	var end Instant
	for _, op := range ops {
		end = max(end, op.Call, op.Return)
	}
	for _, op := range ops {
		if op.Unknown && !op.Write {
			continue
		}
		p := porcupine.Operation{ClientId: op.Client, Input: readOp{}, Output: op.Value, Call: int64(op.Call), Return: int64(op.Return)}
		if op.Write {
			p.Input, p.Output = writeOp{op.Value}, nil
		}
		if op.Unknown {
			p.Return = int64(end) + 1
		}
		perRegister[op.Register] = append(perRegister[op.Register], p)
	}
	names := make([]string, 0, len(perRegister))
	for name := range perRegister {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		history := perRegister[name]
		switch porcupine.CheckOperationsTimeout(registers, history, limit) {
		case porcupine.Illegal:
			bad = append(bad, violation("I5", 0, "the %d operations on register %s are not linearizable", len(history), name))
		case porcupine.Unknown:
			bad = append(bad, violation("I5", 0, "the %d operations on register %s could not be judged within %v", len(history), name, limit))
		}
	}
	return bad
}
