package lbpb

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/amphora-lb/amphora/lb"
)

// nulls are the names of the fields of a spec that are null.
type nulls []string

// from encodes one field of a spec: nil when it is absent or null, and its name
// goes to n when it is null.
func from[T, W any](n *nulls, field string, o lb.Opt[T], format func(T) *W) *W {
	if o.IsNull() {
		*n = append(*n, field)
	}
	v, ok := o.Get()
	if !ok {
		return nil
	}
	return format(v)
}

// fields decodes the fields of one spec.
type fields struct {
	faults
	null map[string]bool // named in null_fields; false once a field has asked for it
}

func newFields(kind lb.Kind, null []string) *fields {
	f := &fields{faults: faults{kind: kind}}
	for _, name := range null {
		if f.null == nil {
			f.null = make(map[string]bool, len(null))
		}
		f.null[name] = true
	}
	return f
}

// to decodes one field of a spec, which is nil when absent or null.
func to[W, T any](f *fields, field string, w *W, parse func(*W) (T, error)) lb.Opt[T] {
	_, null := f.null[field]
	if null {
		f.null[field] = false
	}
	switch {
	case null && w != nil:
		f.add(field, errors.New("is named in null_fields and has a value; give one of the two"))
		return lb.Opt[T]{}
	case null:
		return lb.Null[T]()
	case w == nil:
		return lb.Opt[T]{}
	}
	v, err := parse(w)
	if err != nil {
		f.add(field, err)
		return lb.Opt[T]{}
	}
	return lb.Some(v)
}

// done reports everything that was wrong, names in null_fields that no field
// has asked for included.
func (f *fields) done() error {
	for _, name := range slices.Sorted(maps.Keys(f.null)) {
		if f.null[name] {
			f.add("null_fields", fmt.Errorf("%q is not a field of a %s", name, f.kind))
		}
	}
	return f.err()
}

func formatText[T ~string](v T) *string { s := string(v); return &s }
func formatBool(v bool) *bool           { return &v }
func formatInt(v int) *int64            { n := int64(v); return &n }

func formatAddrField(a netip.Addr) *string     { s := formatAddr(a); return &s }
func formatPrefixField(p netip.Prefix) *string { s := formatPrefix(p); return &s }

func formatStrings(list []string) *Strings { return &Strings{Values: slices.Clone(list)} }
func formatRanges(list []lb.Range) *Ranges { return &Ranges{Values: formatAll(list, formatRange)} }
func formatPrefixes(list []netip.Prefix) *Strings {
	return &Strings{Values: formatAll(list, formatPrefix)}
}
func formatHeaders(m map[string]string) *Headers { return &Headers{Values: maps.Clone(m)} }

func parseText[T ~string](w *string) (T, error) { return T(*w), nil }
func parseBool(w *bool) (bool, error)           { return *w, nil }
func parseIntField(w *int64) (int, error)       { return parseInt(*w) }

func parseAddrField(w *string) (netip.Addr, error)     { return parseAddr(*w) }
func parsePrefixField(w *string) (netip.Prefix, error) { return parsePrefix(*w) }

func parseStrings(w *Strings) ([]string, error)          { return slices.Clone(w.Values), nil }
func parseRanges(w *Ranges) ([]lb.Range, error)          { return parseAll(w.Values, parseRange) }
func parsePrefixes(w *Strings) ([]netip.Prefix, error)   { return parseAll(w.Values, parsePrefix) }
func parseHeaders(w *Headers) (map[string]string, error) { return maps.Clone(w.Values), nil }
