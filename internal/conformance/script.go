package conformance

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// with returns base with fields of its own; a value of absent takes a field away.
func with(base object, fields object) object {
	all := maps.Clone(base)
	for k, v := range fields {
		if v == absent {
			delete(all, k)
		} else {
			all[k] = v
		}
	}
	return all
}

// absent in a call to with takes a field away.
var absent = &struct{}{}

const (
	subnet4 = "{subnet4}"                            // is there before a script begins
	nobody  = "99999999-9999-4999-8999-999999999999" // the id of nothing
	long    = 256
)

var text256 = strings.Repeat("n", long)

// resource is a kind of object whose fields the script tries.
type resource struct {
	root   string // of a body
	list   string // path of the collection
	base   object // what is enough to create one
	values []field
	update bool // the values are tried in a PUT too
}

// field is a field with values to try, good and bad ones alike: which is which is for
// Octavia to say.
type field struct {
	name   string
	values []any
}

func tries(name string, values ...any) field { return field{name, values} }

var commonFields = []field{
	tries("name", "a name", "", nil, text256, text256[:255], 5, true),
	tries("description", "text", nil, text256),
	tries("admin_state_up", false, "false", "True", 0, 1, "yes", "maybe", nil, 2),
	tries("tags", []string{"b", "a"}, []string{}, nil, []string{"a", "a"}, []string{text256}, "a", []any{1}),
	tries("id", nobody),
	tries("provisioning_status", "ACTIVE"),
	tries("nonsense", 1),
}

func post(root, path string, body object, save string) call {
	return call{method: http.MethodPost, path: path, body: object{root: body}, save: save}
}

func put(root, path string, body object) call {
	return call{method: http.MethodPut, path: path, body: object{root: body}}
}

func get(path string) call { return call{method: http.MethodGet, path: path} }

func remove(path string) call { return call{method: http.MethodDelete, path: path} }

// tryFields is a script that creates one object for each value of each field and deletes
// it; and tries the values on one that is there. Of the values it takes every step-th for
// either, not the same ones.
func (r resource) tryFields(step int) (script []call) {
	n := 0
	for _, f := range slices.Concat(commonFields, r.values) {
		for _, v := range f.values {
			if n++; n%step != 0 {
				continue
			}
			name := fmt.Sprintf("try%d", n)
			script = append(script, post(r.root, r.list, with(r.base, object{f.name: v}), name), remove(r.list+"/{"+name+"}"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.base)) {
		script = append(script, post(r.root, r.list, with(r.base, object{name: absent}), ""), post(r.root, r.list, with(r.base, object{name: nil}), ""))
	}
	if !r.update {
		return script
	}
	script = append(script, post(r.root, r.list, r.base, "kept"))
	n = step / 2
	for _, f := range slices.Concat(commonFields, r.values) {
		for _, v := range f.values {
			if n++; n%step != 0 {
				continue
			}
			script = append(script, put(r.root, r.list+"/{kept}", object{f.name: v}))
		}
	}
	return append(script, put(r.root, r.list+"/{kept}", object{}), remove(r.list+"/{kept}"), get(r.list+"/{kept}"), remove(r.list+"/{kept}"))
}
