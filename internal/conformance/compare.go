package conformance

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// difference is one place where two answers differ.
type difference struct {
	call         call
	path         string // "status", "fault", or into the body: loadbalancer.name
	theirs, ours any
}

func (d difference) String() string {
	return fmt.Sprintf("%v\n    %s: Octavia %v\n    %s  ours    %v", d.call, d.path, short(d.theirs), strings.Repeat(" ", len(d.path)-1), short(d.ours))
}

func short(v any) string {
	s := fmt.Sprintf("%#v", v)
	return s[:min(len(s), 300)]
}

// missing stands for a field that is not there.
type missing struct{}

var (
	uuid    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	instant = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$`)
)

// compare lists where two answers to a call differ, once ids and times are out of the way.
func compare(c call, theirs, ours reply) (found []difference) {
	add := func(path string, x, y any) { found = append(found, difference{c, path, x, y}) }
	x, y := theirs.Body, ours.Body
	if theirs.Status != ours.Status {
		add("status", fmt.Sprintf("%d %s", theirs.Status, fault(x)), fmt.Sprintf("%d %s", ours.Status, fault(y)))
		return found
	}
	if ours.Request != theirs.Request {
		add("x-openstack-request-id", theirs.Request, ours.Request)
	}
	if ours.Status >= 400 {
		if fx, fy := fault(x), fault(y); fx != fy {
			add("fault", fx, fy)
		}
		return found
	}
	walk("", x, y, add)
	return found
}

// fault is what an error says, of either form, with the kind of form.
func fault(body any) string {
	fields, _ := body.(object)
	if s, ok := fields["faultstring"]; ok {
		return fmt.Sprintf("%v: %v", fields["faultcode"], s)
	}
	if _, ok := fields["code"]; ok {
		return fmt.Sprintf("%v %v", fields["code"], fields["title"])
	}
	return fmt.Sprint(body)
}

// normal is a body with names in the place of ids.
func (t *target) normal(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, x := range v {
			out[k] = t.normal(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = t.normal(x)
		}
		// What was created within one second has no order that both could share.
		slices.SortStableFunc(out, func(a, b any) int { return cmp.Compare(sortKey(a), sortKey(b)) })
		return out
	case string:
		if instant.MatchString(v) {
			return "<time>"
		}
		return uuid.ReplaceAllStringFunc(strings.ReplaceAll(v, t.base, "<base>"), func(id string) string {
			if name, ok := t.names[id]; ok {
				return "{" + name + "}"
			}
			if id == nobody {
				return id
			}
			return "<uuid>"
		})
	default:
		return v
	}
}

// sortKey orders objects by id, or else by name, and leaves everything else as it is.
func sortKey(v any) string {
	fields, _ := v.(object)
	for _, key := range []string{"address", "id", "name"} {
		if s, ok := fields[key].(string); ok && s != "<uuid>" {
			return s
		}
	}
	return ""
}

// walk calls add for each place where two values differ.
func walk(path string, x, y any, add func(path string, x, y any)) {
	switch xs := x.(type) {
	case object:
		if ys, ok := y.(object); ok {
			keys := slices.Sorted(maps.Keys(xs))
			for k := range ys {
				if _, there := xs[k]; !there {
					keys = append(keys, k)
				}
			}
			for _, k := range keys {
				walk(strings.TrimPrefix(path+"."+k, "."), at(xs, k), at(ys, k), add)
			}
			return
		}
	case []any:
		if ys, ok := y.([]any); ok && len(xs) == len(ys) {
			for i := range xs {
				walk(path+"[]", xs[i], ys[i], add)
			}
			return
		}
	}
	if !reflect.DeepEqual(x, y) {
		add(path, x, y)
	}
}

func at(fields object, key string) any {
	if v, ok := fields[key]; ok {
		return v
	}
	return missing{}
}
