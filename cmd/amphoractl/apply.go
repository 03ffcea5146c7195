package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// applying is what apply was asked for.
type applying struct {
	files  []string
	set    string
	dryRun bool
	prune  bool
}

func (c *cli) apply() *cobra.Command {
	var a applying
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Make what files describe",
		Long: `Make what YAML files describe, in one step: everything or nothing. The documents name
networks, subnets, flavor profiles, flavors, quotas and load balancers, these with their
listeners, pools, members, health monitors, L7 policies and rules. amphoractl export
writes such files.

Print the plan first: + is created, ~ changed and - deleted. What a file does not name
stays as it is, fields too; with --set and --prune, what a former apply of the same set
has made and no file names any more is deleted. A second apply changes nothing.`,
		Example: `  amphoractl apply -f web.yaml --dry-run
  amphoractl apply -f conf.d --set web --prune
  amphoractl apply -f -`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := arguments()(cmd, args); err != nil {
				return err
			}
			return a.check()
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error { return a.run(ctx, c, client) })
		},
	}
	cmd.Flags().VarP(value{kind: "file", set: func(s string) error { a.files = append(a.files, s); return nil }}, "file", "f", "file, directory of .yaml files, or - for standard input (may be repeated)")
	cmd.Flags().StringVar(&a.set, "set", "", "name of the set of objects that the files describe: what is made gets the tag applied:<set>")
	cmd.Flags().BoolVar(&a.dryRun, "dry-run", false, "print the plan, let the node check it, and change nothing")
	cmd.Flags().BoolVar(&a.prune, "prune", false, "delete what the set has made and the files do not name any more")
	return cmd
}

func (a *applying) check() error {
	switch {
	case len(a.files) == 0:
		return errors.New("nothing to apply, give -f FILE")
	case a.prune && a.set == "":
		return errors.New("--prune needs --set: only what a set has made may be deleted")
	}
	return nil
}

func (a *applying) run(ctx context.Context, c *cli, client *admin.Client) error {
	p, err := load(ctx, client)
	if err != nil {
		return err
	}
	p.set = a.set
	if err := a.read(c, p); err != nil {
		return err
	}
	p.decode()
	if len(p.errs) > 0 {
		return errors.Join(p.errs...)
	}
	if a.prune {
		p.findPruned()
	}
	if err := p.print(c); err != nil {
		return err
	}
	ops := p.ops()
	switch {
	case len(ops) == 0:
		return nil
	case a.dryRun:
		_, err = client.Try(ctx, ops...)
	default:
		_, _, err = client.Change(ctx, ops...)
	}
	return p.located(err)
}

// read reads every file.
func (a *applying) read(c *cli, p *plan) error {
	for _, name := range a.files {
		if name == "-" {
			p.read("-", c.stdin)
			continue
		}
		files, err := yamlFiles(name)
		if err != nil {
			return err
		}
		for _, file := range files {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			p.read(file, f)
			f.Close()
		}
	}
	return nil
}

// yamlFiles are the file of that name, or those in the directory.
func yamlFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return []string{name}, err
	}
	var files []string
	err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err == nil && !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
			files = append(files, path)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no .yaml file", name)
	}
	return files, err
}

// findPruned finds what the set has made and no file names. What goes with its parent is
// not named again.
func (p *plan) findPruned() {
	kept, gone := map[string]bool{}, map[string]bool{}
	for _, w := range p.wants {
		kept[w.id] = true
	}
	for m := range everyManifest(manifests) {
		for _, h := range p.have[m.kind] {
			if gone[h.parent] {
				gone[h.id] = true
				continue
			}
			if m.tagged && !kept[h.id] && slices.Contains(h.tags, markPrefix+p.set) {
				gone[h.id] = true
				p.prune = append(p.prune, &pruned{m, h})
			}
		}
	}
}

// early are the kinds that are deleted before anything is made: their ports and places may
// be wanted anew. The others may still be in use until everything else is done.
var early = []lb.Kind{lb.KindListener, lb.KindMember, lb.KindHealthMonitor, lb.KindL7Policy, lb.KindL7Rule}

// ops are the operations of the plan, in an order that works.
func (p *plan) ops() []lb.Op {
	rank := map[lb.Kind]int{}
	for m := range everyManifest(manifests) {
		rank[m.kind] = len(rank)
	}
	slices.SortStableFunc(p.wants, func(a, b *wanted) int { return cmp.Compare(rank[a.m.kind], rank[b.m.kind]) })
	slices.SortStableFunc(p.prune, func(a, b *pruned) int { return cmp.Compare(rank[b.m.kind], rank[a.m.kind]) })
	var first, last, ops []lb.Op
	for _, d := range p.prune {
		if slices.Contains(early, d.m.kind) {
			first = append(first, d.m.delete(d.id))
		} else {
			last = append(last, d.m.delete(d.id))
		}
	}
	for _, w := range p.wants {
		switch {
		case w.is == nil:
			ops = append(ops, w.m.create(w.id, w.parent, w.spec))
		case len(w.gave) > 0:
			revision := w.is.revision
			if w.m.kind == lb.KindL7Policy {
				revision = 0 // another policy of the same step may move it
			}
			ops = append(ops, w.m.update(w.id, revision, w.spec))
		}
	}
	return slices.Concat(first, ops, last)
}

// step is one line of a plan.
type step struct {
	sign, action string
	m            *manifest
	name         string
	fields       []changedField
}

type changedField struct {
	name     string
	from, to any
}

// steps are the lines of the plan, parents before what is below them.
func (p *plan) steps() []step {
	var all []step
	for _, w := range p.wants {
		name := p.path(w.m, w.parent, w.key)
		switch {
		case w.is == nil:
			all = append(all, step{"+", "create", w.m, name, nil})
		case len(w.gave) > 0:
			s := step{"~", "update", w.m, name, nil}
			for _, a := range w.m.attrs {
				if slices.Contains(w.gave, a.name) {
					s.fields = append(s.fields, changedField{a.name, a.export(w.is.obj, p), p.wish(w, a.name)})
				}
			}
			all = append(all, s)
		}
	}
	for _, d := range p.prune {
		all = append(all, step{"-", "delete", d.m, p.path(d.m, d.parent, d.key), nil})
	}
	return all
}

// wish is what a file says of a field.
func (p *plan) wish(w *wanted, name string) any {
	if name == "tags" {
		tags, _ := metaOf(w.spec).Tags.Get()
		return tags
	}
	var v any
	if n := w.fields[name]; n != nil && n.Decode(&v) == nil {
		return v
	}
	return nil
}

// path is the name of an object after those of the objects above it.
func (p *plan) path(m *manifest, parent, key string) string {
	for parent != "" {
		above := parent
		parent = ""
		for _, w := range p.wants {
			if w.id == above {
				key, parent = w.key+"/"+key, w.parent
			}
		}
		if parent != "" || strings.Contains(key, above) {
			continue
		}
		for _, all := range p.have {
			for _, h := range all {
				if h.id == above && !slices.ContainsFunc(p.wants, func(w *wanted) bool { return w.id == above }) {
					key, parent = h.key+"/"+key, h.parent
				}
			}
		}
	}
	return key
}

// print prints the plan.
func (p *plan) print(c *cli) error {
	steps := p.steps()
	if c.output.structured() {
		records := []record{}
		for _, s := range steps {
			fields := []record{}
			for _, f := range s.fields {
				fields = append(fields, record{{"field", f.name}, {"from", f.from}, {"to", f.to}})
			}
			records = append(records, record{{"action", s.action}, {"kind", s.m.word}, {"name", s.name}, {"fields", fields}})
		}
		return c.output.print(c.stdout, records)
	}
	count := map[string]int{}
	var text strings.Builder
	for _, s := range steps {
		count[s.sign]++
		fmt.Fprintf(&text, "%s %s %s\n", s.sign, s.m.word, printable(s.name))
		for _, f := range s.fields {
			fmt.Fprintf(&text, "    %s: %s -> %s\n", f.name, flat(f.from), flat(f.to))
		}
	}
	if len(steps) == 0 {
		text.WriteString("No change.\n")
	} else {
		fmt.Fprintf(&text, "%d to create, %d to change, %d to delete.\n", count["+"], count["~"], count["-"])
	}
	_, err := fmt.Fprint(c.stdout, text.String())
	return err
}

// flat is a value on one line.
func flat(v any) string {
	if v == nil {
		return "-"
	}
	if s, ok := v.(string); ok {
		return printable(s)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// located says where in the files what the node refused stands.
func (p *plan) located(err error) error {
	var all []error
	for _, e := range split(err) {
		fault := (*lb.Error)(nil)
		if !errors.As(e, &fault) {
			all = append(all, e)
			continue
		}
		if at, ok := p.where(fault); ok {
			e = fmt.Errorf("%s: %w", at, e)
		}
		all = append(all, e)
	}
	return errors.Join(all...)
}

// split takes joined errors apart.
func split(err error) []error {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // only what is joined at the top
		return many.Unwrap()
	}
	return []error{err}
}

// where finds the object that an error is about: by its id, or as the only one of its kind
// that changes.
func (p *plan) where(e *lb.Error) (position, bool) {
	var found []*wanted
	for _, w := range p.wants {
		if w.id == e.ID {
			return w.field(e.Field), true
		}
		if w.m.kind == e.Resource && (w.is == nil || len(w.gave) > 0) {
			found = append(found, w)
		}
	}
	if len(found) == 1 && e.ID == "" {
		return found[0].field(e.Field), true
	}
	return position{}, false
}

// field is where a field of w stands, or w itself.
func (w *wanted) field(name string) position {
	at := w.at
	if n := w.fields[name]; n != nil && n.Kind == yaml.ScalarNode {
		at.line = n.Line
	}
	return at
}
