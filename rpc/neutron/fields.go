package neutron

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/lb"
)

// fields are the attributes of a request that nobody has taken yet, and what was wrong
// with those that were.
type fields struct {
	raw map[string]json.RawMessage
	err error // the first fault
}

// attr takes the attribute name out of f.
func attr[T any](f *fields, name string, parse func(json.RawMessage) (T, error)) lb.Opt[T] {
	raw, ok := f.raw[name]
	if !ok {
		return lb.Opt[T]{}
	}
	delete(f.raw, name)
	if isNull(raw) {
		return lb.Null[T]()
	}
	v, err := parse(raw)
	if err != nil {
		f.refuse("Invalid input for %s. Reason: %v.", name, err)
		return lb.Opt[T]{}
	}
	return lb.Some(v)
}

func (f *fields) refuse(format string, args ...any) {
	if f.err == nil {
		f.err = badRequest(format, args...)
	}
}

// required refuses a request that creates something without name.
func (f *fields) required(name string) {
	if raw, ok := f.raw[name]; !ok || isNull(raw) {
		f.refuse("Failed to parse request. Required attribute '%s' not specified", name)
	}
}

// only takes an attribute that is not stored. It may have one of the values, as JSON, or
// be null.
func (f *fields) only(name string, values ...string) {
	raw, ok := f.raw[name]
	if !ok {
		return
	}
	delete(f.raw, name)
	var compact bytes.Buffer
	if json.Compact(&compact, raw) == nil && !isNull(raw) && !slices.Contains(values, compact.String()) {
		f.refuse("Invalid input for %s. Reason: '%s' is not offered by this network service, leave it out.", name, compact.String())
	}
}

// done returns the first fault. What nobody took is one too.
func (f *fields) done() error {
	if len(f.raw) > 0 && f.err == nil {
		var names []string
		for name := range f.raw {
			names = append(names, "'"+name+"'")
		}
		slices.Sort(names)
		f.refuse("Unrecognized attribute(s) %s", strings.Join(names, ", "))
	}
	return f.err
}

// meta takes what every resource has. The project is taken before, see [fields.project].
func (f *fields) meta() lb.MetaSpec {
	return lb.MetaSpec{
		Name: attr(f, "name", text), Description: attr(f, "description", text),
		Tags: attr(f, "tags", list(text)),
	}
}

// project takes the project, under both of its names.
func (f *fields) project() lb.Opt[string] {
	id, tenant := attr(f, "project_id", text), attr(f, "tenant_id", text)
	if _, ok := id.Get(); !ok {
		id = tenant
	}
	return id
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

func text(raw json.RawMessage) (string, error) {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", fmt.Errorf("'%s' is not a valid string", raw)
	}
	return s, nil
}

// boolean reads what Neutron's convert_to_boolean reads.
func boolean(raw json.RawMessage) (bool, error) {
	switch strings.ToLower(strings.Trim(string(raw), `"`)) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, fmt.Errorf("'%s' cannot be converted to boolean", raw)
}

func number(raw json.RawMessage) (int, error) {
	n, err := strconv.Atoi(strings.Trim(string(raw), `"`))
	if err != nil {
		return 0, fmt.Errorf("'%s' is not an integer", raw)
	}
	return n, nil
}

// uuidOf reads an id, in lower case whatever the client wrote.
func uuidOf[ID ~string](raw json.RawMessage) (ID, error) {
	s, err := text(raw)
	if err != nil {
		return "", err
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return "", fmt.Errorf("'%s' is not a valid UUID", s)
	}
	return ID(u.String()), nil
}

func address(raw json.RawMessage) (netip.Addr, error) {
	s, err := text(raw)
	if err != nil {
		return netip.Addr{}, err
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("'%s' is not a valid IP address", s)
	}
	return a, nil
}

func prefix(raw json.RawMessage) (netip.Prefix, error) {
	s, err := text(raw)
	if err != nil {
		return netip.Prefix{}, err
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("'%s' is not a valid IP subnet", s)
	}
	return p.Masked(), nil
}

// list reads a list of what item reads.
func list[T any](item func(json.RawMessage) (T, error)) func(json.RawMessage) ([]T, error) {
	return func(raw json.RawMessage) ([]T, error) {
		var raws []json.RawMessage
		if json.Unmarshal(raw, &raws) != nil {
			return nil, fmt.Errorf("'%s' is not a list", raw)
		}
		all := make([]T, 0, len(raws))
		for _, r := range raws {
			v, err := item(r)
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		return all, nil
	}
}

// object reads a JSON object with take, which takes all of its attributes.
func object[T any](take func(*fields) T) func(json.RawMessage) (T, error) {
	return func(raw json.RawMessage) (T, error) {
		f := &fields{}
		if json.Unmarshal(raw, &f.raw) != nil || f.raw == nil {
			var zero T
			return zero, fmt.Errorf("'%s' is not a dictionary", raw)
		}
		v := take(f)
		if err := f.done(); err != nil {
			return v, errors.New(strings.TrimSuffix(err.Error(), "."))
		}
		return v, nil
	}
}
