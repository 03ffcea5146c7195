package lb

import "slices"

// apply does the operations in order. The edit is thrown away as a whole when one fails.
func (o Batch) apply(e *edit) (Result, error) {
	if len(o.Ops) == 0 {
		return Result{}, &Error{Kind: ErrInvalid, Resource: kindBatch, Msg: "has no operations, give at least one"}
	}
	var last Result
	for _, op := range o.Ops {
		var err error
		switch op.(type) {
		case nil:
			err = &Error{Kind: ErrInvalid, Resource: kindBatch, Msg: "has an operation that is none"}
		case Batch:
			err = &Error{Kind: ErrInvalid, Resource: kindBatch, Msg: "has a batch in it, put its operations in its place"}
		default:
			last, err = op.apply(e)
		}
		if err != nil {
			return Result{}, err
		}
	}
	return last, nil
}

// kindBatch is what errors about a batch as such name; it is no resource.
const kindBatch Kind = "batch"

// once leaves the last change of each resource. What is written keeps its first place and
// what is deleted its last, so that parents stay before and after their children.
func once(changes []Change) []Change {
	type key struct {
		kind Kind
		id   string
	}
	if len(changes) < 2 {
		return changes
	}
	last := make(map[key]int, len(changes))
	for i, c := range changes {
		last[key{c.Kind, c.ID}] = i
	}
	if len(last) == len(changes) {
		return changes
	}
	seen := make(map[key]bool, len(last))
	out := make([]Change, 0, len(last))
	for i, c := range changes {
		k := key{c.Kind, c.ID}
		end := changes[last[k]]
		if end.Object == nil && i != last[k] || seen[k] {
			continue
		}
		seen[k] = true
		out = append(out, end)
	}
	return slices.Clip(out)
}
