package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// format is how resources are printed.
type format string

const (
	asTable format = "table"
	asJSON  format = "json"
	asYAML  format = "yaml"
	asValue format = "value" // values alone, as the OpenStack client prints them
	asID    format = "id"
)

var allFormats = []format{asTable, asJSON, asYAML, asValue, asID}

// String implements pflag.Value.
func (f *format) String() string {
	if *f == "" {
		return string(asTable)
	}
	return string(*f)
}

// Set implements pflag.Value.
func (f *format) Set(s string) error {
	if !slices.Contains(allFormats, format(s)) {
		return fmt.Errorf("use table, json, yaml, value or id")
	}
	*f = format(s)
	return nil
}

// Type implements pflag.Value.
func (f *format) Type() string { return "format" }

// output is how, and what of them.
type output struct {
	format
	columns []string // empty: those that a command has by default
}

// structured reports whether the format shows values with their types.
func (o output) structured() bool { return o.format == asJSON || o.format == asYAML }

// pick returns the fields of r that were asked for, in the order asked for.
func (o output) pick(r record) (record, error) {
	if len(o.columns) == 0 {
		return r, nil
	}
	var picked record
	for _, name := range o.columns {
		i := slices.IndexFunc(r, func(f field) bool { return f.name == name })
		if i < 0 {
			return nil, unknownColumn(name, r)
		}
		picked = append(picked, r[i])
	}
	return picked, nil
}

func unknownColumn(name string, r record) error {
	var names []string
	for _, f := range r {
		names = append(names, f.name)
	}
	return fmt.Errorf("there is no column %q, use of %s", name, strings.Join(names, ", "))
}

// print prints v, which is a record, or a list, or a map of them, as JSON or YAML.
func (o output) print(w io.Writer, v any) error {
	if o.format == asYAML {
		return printYAML(w, v)
	}
	return printJSON(w, v)
}

// field is one property of a resource, under its API name. The value is what
// JSON shows: text, a number, a truth value, a list, or nil.
type field struct {
	name  string
	value any
}

// record is a resource ready to be printed, its id first.
type record []field

func (r record) get(name string) any {
	for _, f := range r {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

// MarshalJSON keeps the order of the fields.
func (r record) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", f.name, err)
		}
		fmt.Fprintf(&b, "%q:%s", f.name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// printOne prints a resource in full, or the columns asked for.
func (o output) printOne(w io.Writer, r record) error {
	if o.format == asID {
		return printID(w, r)
	}
	r, err := o.pick(r)
	switch {
	case err != nil:
		return err
	case o.structured():
		return o.print(w, r)
	case o.format == asValue:
		for _, f := range r {
			if _, err := fmt.Fprintln(w, plain(f.value)); err != nil {
				return err
			}
		}
		return nil
	}
	t := newTable(w, "FIELD", "VALUE")
	for _, f := range r {
		t.row(f.name, cell(f.value))
	}
	return t.flush()
}

// printAll prints the given columns of resources, or those asked for; JSON and YAML have
// all fields unless some were asked for.
func (o output) printAll(w io.Writer, columns []string, all []record) error {
	if o.format == asID {
		for _, r := range all {
			if err := printID(w, r); err != nil {
				return err
			}
		}
		return nil
	}
	picked := make([]record, len(all)) // not null
	for i, r := range all {
		var err error
		if picked[i], err = o.pick(r); err != nil {
			return err
		}
	}
	if o.structured() {
		return o.print(w, picked)
	}
	if len(o.columns) > 0 {
		columns = o.columns
	}
	if o.format == asValue {
		for _, r := range picked {
			if _, err := fmt.Fprintln(w, strings.Join(cells(r, columns, plain), " ")); err != nil {
				return err
			}
		}
		return nil
	}
	t := newTable(w, columns...)
	for _, r := range picked {
		t.row(cells(r, columns, cell)...)
	}
	return t.flush()
}

// cells are the values of some columns of a record.
func cells(r record, columns []string, text func(any) string) []string {
	texts := make([]string, len(columns))
	for i, name := range columns {
		texts[i] = text(r.get(name))
	}
	return texts
}

func printID(w io.Writer, r record) error {
	_, err := fmt.Fprintln(w, cell(r[0].value))
	return err
}

func printJSON(w io.Writer, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
}

// printYAML prints what JSON shows, with its fields in their order.
func printYAML(w io.Writer, v any) error {
	doc, err := node(v)
	if err != nil {
		return err
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	return errors.Join(e.Encode(doc), e.Close())
}

// node is what JSON shows of v, as YAML.
func node(v any) (*yaml.Node, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node // JSON is YAML too
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	block(&doc)
	return &doc, nil
}

// block takes the style of JSON from a document.
func block(n *yaml.Node) {
	n.Style = 0
	for _, each := range n.Content {
		block(each)
	}
}

// plain is a value as a script reads it: None, as the OpenStack client prints it, for what
// is not there, and JSON for what has parts.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case []string:
		return strings.Join(v, ", ")
	case string:
		return printable(v)
	case fmt.Stringer:
		return printable(v.String())
	case record, []record:
		data, err := json.Marshal(v)
		if err != nil {
			return err.Error()
		}
		return string(data)
	}
	return fmt.Sprint(v)
}

// cell is a value in a table.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case []string:
		return cell(strings.Join(v, ", "))
	case []record:
		if len(v) == 0 {
			return "-"
		}
		return plain(v)
	case record:
		return plain(v)
	case fmt.Stringer:
		return cell(v.String())
	case string:
		if v == "" {
			return "-"
		}
		return printable(v)
	}
	return fmt.Sprint(v)
}

// printable is s, quoted if it would move the cursor or fake a line.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// table is text in aligned columns.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer, columns ...string) table {
	t := table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.row(strings.Split(strings.ToUpper(strings.Join(columns, " ")), " ")...)
	return t
}

func (t table) row(cells ...string) {
	fmt.Fprintln(t, strings.Join(cells, "\t"))
}

func (t table) flush() error { return t.Flush() }
