package main

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
)

// A flag that is not given leaves its field absent; a --no-... flag makes it
// null. So a set command sends only what was asked for.

// value is a flag that calls a function. Its kind is what the usage calls a
// value, and decides what the shell offers for it.
type value struct {
	set  func(string) error
	kind string
}

// String implements pflag.Value: there is no default to show.
func (v value) String() string { return "" }

// Set implements pflag.Value.
func (v value) Set(s string) error { return v.set(s) }

// Type implements pflag.Value.
func (v value) Type() string { return v.kind }

// opt adds a flag for a field.
func opt[T any](fs *pflag.FlagSet, field *lb.Opt[T], name, kind, usage string, parse func(string) (T, error)) {
	fs.Var(value{kind: kind, set: func(s string) error {
		v, err := parse(s)
		if err == nil {
			*field = lb.Some(v)
		}
		return err
	}}, name, usage)
}

// refFlag adds a flag that names something of that kind.
func refFlag(fs *pflag.FlagSet, ref *string, name, kind, usage string) {
	fs.Var(value{kind: kind, set: func(s string) error { *ref = s; return nil }}, name, usage)
}

// optList adds a flag for a list; it may be given several times.
func optList[T any](fs *pflag.FlagSet, field *lb.Opt[[]T], name, kind, usage string, parse func(string) (T, error)) {
	fs.Var(value{kind: kind, set: func(s string) error {
		v, err := parse(s)
		if err == nil {
			list, _ := field.Get()
			*field = lb.Some(append(list, v))
		}
		return err
	}}, name, usage+" (may be repeated)")
}

// fixed adds a flag without a value that gives a field one value.
func fixed[T any](fs *pflag.FlagSet, field *lb.Opt[T], name, usage string, v lb.Opt[T]) {
	bare(fs, name, usage, func() { *field = v })
}

// bare adds a flag that does something and has no value. --disable=false is
// refused: it would be taken for --enable by some and for nothing by others.
func bare(fs *pflag.FlagSet, name, usage string, do func()) {
	fs.BoolFunc(name, usage, func(s string) error {
		if s != "true" { // what a flag without a value gets
			return errors.New("give it without a value")
		}
		do()
		return nil
	})
}

// none adds a flag without a value that makes a field null.
func none[T any](fs *pflag.FlagSet, field *lb.Opt[T], name, usage string) {
	fixed(fs, field, name, usage, lb.Null[T]())
}

// anyOf refuses a command line that has none of these flags.
func anyOf(names []string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, _ []string) error {
		if !slices.ContainsFunc(names, cmd.Flags().Changed) {
			return fmt.Errorf("nothing to change, give at least one of --%s", strings.Join(names, ", --"))
		}
		return nil
	}
}

// contradict lets of --x and --no-x, and of --enable-x and --disable-x, only one
// be given.
func contradict(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.VisitAll(func(f *pflag.Flag) {
		for no, yes := range map[string]string{"no-": "", "disable": "enable"} {
			if rest, ok := strings.CutPrefix(f.Name, no); ok && fs.Lookup(yes+rest) != nil {
				cmd.MarkFlagsMutuallyExclusive(yes+rest, f.Name)
			}
		}
	})
}

// metaFlags adds the flags that every kind has.
func metaFlags(fs *pflag.FlagSet, m *lb.MetaSpec, create, description bool) {
	opt(fs, &m.Name, "name", "name", "name", text[string])
	if description {
		opt(fs, &m.Description, "description", "text", "description", text[string])
	}
	stateFlags(fs, m, create)
}

// stateFlags adds the flags that kinds without a name have too.
func stateFlags(fs *pflag.FlagSet, m *lb.MetaSpec, create bool) {
	fixed(fs, &m.AdminStateUp, "enable", "put into service (default)", lb.Some(true))
	fixed(fs, &m.AdminStateUp, "disable", "take out of service without deleting", lb.Some(false))
	tagFlags(fs, m, create)
}

// ownerFlags adds the flags of kinds that are not served, and so cannot be disabled.
func ownerFlags(fs *pflag.FlagSet, m *lb.MetaSpec, create, description bool) {
	opt(fs, &m.Name, "name", "name", "name", text[string])
	if description {
		opt(fs, &m.Description, "description", "text", "description", text[string])
	}
	tagFlags(fs, m, create)
}

func tagFlags(fs *pflag.FlagSet, m *lb.MetaSpec, create bool) {
	optList(fs, &m.Tags, "tag", "tag", "tag; replaces the tags that there are", text[string])
	if create {
		opt(fs, &m.ProjectID, "project", "project", "project that it belongs to", text[string])
		return
	}
	none(fs, &m.Tags, "no-tag", "remove all tags")
}

func text[T ~string](s string) (T, error) { return T(s), nil }

// word parses one of the API's words in capitals.
func word[T ~string](s string) (T, error) { return T(strings.ToUpper(s)), nil }

func integer(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, errors.New("use a whole number")
	}
	return n, nil
}

func address(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return a, errors.New("use an IPv4 or IPv6 address")
	}
	return a, nil
}

func prefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, errors.New("use an address prefix, such as 192.0.2.0/24")
	}
	return p, nil
}

// addressRange parses start=address,end=address, as the OpenStack client has it, or
// address-address.
func addressRange(s string) (lb.Range, error) {
	start, end, pairs := strings.Cut(s, ",")
	var ok bool
	if pairs {
		start, ok = strings.CutPrefix(start, "start=")
		end, pairs = strings.CutPrefix(end, "end=")
		ok = ok && pairs
	} else {
		start, end, ok = strings.Cut(s, "-")
	}
	first, err1 := netip.ParseAddr(start)
	last, err2 := netip.ParseAddr(end)
	if !ok || err1 != nil || err2 != nil {
		return lb.Range{}, errors.New("use address-address, or start=address,end=address")
	}
	return lb.Range{First: first, Last: last}, nil
}

// duration parses a number of the API's unit, or a duration with its own.
func duration(unit time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			if limit := int64(math.MaxInt64 / unit); n > limit || n < -limit {
				return 0, fmt.Errorf("use at most %d %s", limit, unitName(unit))
			}
			return time.Duration(n) * unit, nil
		}
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, fmt.Errorf("use a number of %s, or a duration such as 1m30s", unitName(unit))
		}
		return d, nil
	}
}

func unitName(unit time.Duration) string {
	if unit == time.Millisecond {
		return "milliseconds"
	}
	return "seconds"
}

// headers parses name=value,name=value.
func headers(s string) (map[string]string, error) {
	all := make(map[string]string)
	for pair := range strings.SplitSeq(s, ",") {
		name, v, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, errors.New("use header=true or header=false, separated by commas")
		}
		all[name] = v
	}
	return all, nil
}
