package octavia

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/amphora-lb/amphora/lb"
)

// object is the form of a JSON object in requests: its attributes, each of which becomes
// a field of S. What it does not list is refused.
type object[S any] []param[S]

// param is one attribute of an object.
type param[S any] struct {
	name     string
	required bool // in a POST
	only     form // when set, it is an attribute of this form alone
	// set puts a JSON value, in the types of [json.Decoder] with UseNumber, into dst.
	set func(dst *S, v any, in form) error
}

// form says which of the two forms of an object a request has.
type form int

const (
	post form = iota + 1
	put
)

// must makes the attribute mandatory in a POST.
func (p param[S]) must() param[S] { p.required = true; return p }

// create leaves the attribute out of PUT, where it is unknown then.
func (p param[S]) create() param[S] { p.only = post; return p }

// update leaves the attribute out of POST.
func (p param[S]) update() param[S] { p.only = put; return p }

// field is an attribute that becomes one field of a spec: null is [lb.Null], anything
// else goes through parse.
func field[S, T any](name string, at func(*S) *lb.Opt[T], parse func(any) (T, error)) param[S] {
	return param[S]{name: name, set: func(dst *S, v any, _ form) error {
		if v == nil {
			*at(dst) = lb.Null[T]()
			return nil
		}
		t, err := parse(v)
		if err != nil {
			return err
		}
		*at(dst) = lb.Some(t)
		return nil
	}}
}

// inner is an attribute that is an object and becomes an optional spec.
func inner[S, N any](name string, at func(*S) *lb.Opt[N], of object[N]) param[S] {
	return param[S]{name: name, set: func(dst *S, v any, in form) error {
		if v == nil {
			*at(dst) = lb.Null[N]()
			return nil
		}
		var n N
		if err := of.decode(&n, v, in); err != nil {
			return err
		}
		*at(dst) = lb.Some(n)
		return nil
	}}
}

// each is an attribute that is a list of objects, each of which keep takes.
func each[S, N any](name string, of object[N], keep func(*S, N) error) param[S] {
	return param[S]{name: name, set: func(dst *S, v any, in form) error {
		if v == nil {
			return nil
		}
		list, err := items(v)
		if err != nil {
			return err
		}
		for _, item := range list {
			var n N
			if err := of.decode(&n, item, in); err != nil {
				return err
			}
			if err := keep(dst, n); err != nil {
				return err
			}
		}
		return nil
	}}
}

// decode reads v, which must be an object, into dst.
func (o object[S]) decode(dst *S, v any, in form) error {
	values, ok := v.(map[string]any)
	if !ok {
		return reasonf("Value should be a JSON object")
	}
	known := 0
	for _, p := range o {
		if p.only != 0 && p.only != in {
			continue
		}
		v, given := values[p.name]
		if !given {
			continue
		}
		known++
		if err := p.set(dst, v, in); err != nil {
			return below(p.name, v, err)
		}
	}
	if known < len(values) {
		return &unknownError{names: o.unknown(values, in)}
	}
	for _, p := range o {
		if _, given := values[p.name]; p.required && in == post && !given {
			return &inputError{field: p.name, why: "Mandatory field missing."}
		}
	}
	return nil
}

// unknown returns the attributes that the form does not have.
func (o object[S]) unknown(values map[string]any, in form) []string {
	var names []string
	for name := range values {
		if !slices.ContainsFunc(o, func(p param[S]) bool { return p.name == name && (p.only == 0 || p.only == in) }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// inputError says which attribute has which bad value.
type inputError struct {
	field string
	value any
	why   string
}

func (e *inputError) Error() string {
	return fmt.Sprintf("Invalid input for field/attribute %s. Value: '%s'. %s", e.field, pythonText(e.value), e.why)
}

// unknownError says which attributes are unknown, and where.
type unknownError struct{ path, names []string }

func (e *unknownError) Error() string {
	s := ""
	if len(e.names) > 1 {
		s = "s"
	}
	return fmt.Sprintf("Unknown attribute%s for argument %s: %s", s, strings.Join(e.path, "."), strings.Join(e.names, ", "))
}

// below adds to err the attribute that it came from.
func below(name string, v any, err error) error {
	if u, ok := errors.AsType[*unknownError](err); ok {
		u.path = append([]string{name}, u.path...)
		return u
	}
	if _, ok := errors.AsType[*inputError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*fault](err); ok {
		return err
	}
	return &inputError{field: name, value: v, why: err.Error()}
}

// maxDepth is how deep a request may nest: a load balancer's listeners, their policies,
// their pools, their members and a field of them, twice over.
const maxDepth = 32

// parseJSON reads one JSON value; numbers stay as they were written.
func parseJSON(body []byte) (any, error) {
	if tooDeep(body) {
		return nil, badRequest("Request is nested too deep")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, badRequest("Request is not in valid JSON format")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest("Request is not in valid JSON format")
	}
	return v, nil
}

func tooDeep(body []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// decodeBody reads {root: value}. Arg is WSME's name of the argument.
func decodeBody(body []byte, arg, root string, decode func(v any) error) error {
	v, err := parseJSON(body)
	if err != nil {
		return err
	}
	envelope := object[struct{}]{param[struct{}]{name: root, set: func(_ *struct{}, v any, _ form) error { return decode(v) }}.must()}
	if err = envelope.decode(&struct{}{}, v, post); err == nil {
		return nil
	}
	err = below(arg, v, err)
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	return badRequest("%s", err.Error())
}
