package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

// output is how resources are printed.
type output string

const (
	asTable output = "table"
	asJSON  output = "json"
	asID    output = "id"
)

// String implements pflag.Value.
func (o *output) String() string {
	if *o == "" {
		return string(asTable)
	}
	return string(*o)
}

// Set implements pflag.Value.
func (o *output) Set(s string) error {
	if !slices.Contains([]output{asTable, asJSON, asID}, output(s)) {
		return fmt.Errorf("use table, json or id")
	}
	*o = output(s)
	return nil
}

// Type implements pflag.Value.
func (o *output) Type() string { return "format" }

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

// printOne prints a resource in full.
func (o output) printOne(w io.Writer, r record) error {
	switch o {
	case asJSON:
		return printJSON(w, r)
	case asID:
		return printID(w, r)
	}
	t := newTable(w, "FIELD", "VALUE")
	for _, f := range r {
		t.row(f.name, cell(f.value))
	}
	return t.flush()
}

// printAll prints the given columns of resources; JSON has all fields.
func (o output) printAll(w io.Writer, columns []string, all []record) error {
	switch o {
	case asJSON:
		if all == nil {
			all = []record{} // not null
		}
		return printJSON(w, all)
	case asID:
		for _, r := range all {
			if err := printID(w, r); err != nil {
				return err
			}
		}
		return nil
	}
	t := newTable(w, columns...)
	for _, r := range all {
		cells := make([]string, len(columns))
		for i, name := range columns {
			cells[i] = cell(r.get(name))
		}
		t.row(cells...)
	}
	return t.flush()
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

// cell is a value in a table.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case []string:
		return cell(strings.Join(v, ", "))
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
