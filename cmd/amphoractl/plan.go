package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// markPrefix begins the tag of what an apply of a set has made.
const markPrefix = "applied:"

// withoutMarks are the tags that people gave.
func withoutMarks(tags []string) []string {
	return slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return strings.HasPrefix(t, markPrefix) })
}

// wanted is an object in a file.
type wanted struct {
	m      *manifest
	id     string
	key    string
	parent string // id of the object above
	root   string // id of the load balancer, or its own
	is     *have  // nil: it is to be made
	fields map[string]*yaml.Node
	order  []string // the names of the fields as they stand in the file
	at     position
	spec   any
	gave   []string // what an update changes
}

// position is a place in a file.
type position struct {
	file string
	line int
}

// String is as compilers print it.
func (p position) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

func (p position) wrong(format string, args ...any) error {
	return fmt.Errorf("%s: %w", p, fmt.Errorf(format, args...))
}

// plan is what is wanted beside what there is.
type plan struct {
	set   string // name of the set, "" for none
	have  map[lb.Kind][]have
	wants []*wanted
	errs  []error
	prune []*pruned
}

type pruned struct {
	m *manifest
	have
}

// load asks the node for everything that manifests are about.
func load(ctx context.Context, client *admin.Client) (*plan, error) {
	p := &plan{have: map[lb.Kind][]have{}}
	for m := range everyManifest(manifests) {
		for o, err := range client.Objects(ctx, m.kind) {
			if err != nil {
				return nil, err
			}
			p.have[m.kind] = append(p.have[m.kind], m.describe(o.Value))
		}
	}
	return p, nil
}

// everyManifest yields manifests, parents before what is below them.
func everyManifest(all []*manifest) func(func(*manifest) bool) {
	return func(yield func(*manifest) bool) {
		queue := slices.Clone(all)
		for len(queue) > 0 {
			m := queue[0]
			if queue = append(queue[1:], m.children...); !yield(m) {
				return
			}
		}
	}
}

// find returns the id of what a file or the node calls name, or that has that id. Parent
// is the load balancer whose children are meant, "" for all.
func (p *plan) find(kind lb.Kind, parent, name string) (string, error) {
	for _, w := range p.wants {
		if w.m.kind == kind && w.key == name && (parent == "" || w.root == parent) {
			return w.id, nil
		}
	}
	var found []string
	for _, h := range p.have[kind] {
		if h.id == name {
			return h.id, nil
		}
		if h.key == name && (parent == "" || h.parent == parent) {
			found = append(found, h.id)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s %q is neither in the files nor on the node", kind, name)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%d have the name %q, use an id: %s", len(found), name, strings.Join(found, ", "))
}

// nameOf is what a file calls the object with that id: its name if nothing else has it.
func (p *plan) nameOf(kind lb.Kind, id string) string {
	for _, h := range p.have[kind] {
		if h.id == id {
			return h.key
		}
	}
	return id
}

// read adds the documents of a file to what is wanted.
func (p *plan) read(file string, r io.Reader) {
	d := yaml.NewDecoder(r)
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			p.errs = append(p.errs, fmt.Errorf("%s: %w", file, err))
			return
		case len(doc.Content) == 0 || doc.Content[0].Tag == "!!null":
			continue
		}
		p.document(file, doc.Content[0])
	}
}

func (p *plan) document(file string, n *yaml.Node) {
	at := position{file, n.Line}
	fields, _, err := mapping(at, n)
	if err != nil {
		p.errs = append(p.errs, err)
		return
	}
	word := text0(fields, "kind")
	i := slices.IndexFunc(manifests, func(m *manifest) bool { return m.word == word })
	if i < 0 {
		var words []string
		for _, m := range manifests {
			words = append(words, m.word)
		}
		if n := fields["kind"]; n != nil {
			at.line = n.Line
		}
		p.errs = append(p.errs, at.wrong("kind %q is unknown, use one of %s", word, strings.Join(words, ", ")))
		return
	}
	p.want(file, manifests[i], n, "", "")
}

// mapping reads the fields of an object.
func mapping(at position, n *yaml.Node) (map[string]*yaml.Node, []string, error) {
	if n.Kind != yaml.MappingNode {
		return nil, nil, at.wrong("use a mapping of fields, such as name: lb1")
	}
	fields := map[string]*yaml.Node{}
	var order []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if fields[key.Value] != nil {
			return nil, nil, position{at.file, key.Line}.wrong("%s is there twice", key.Value)
		}
		fields[key.Value] = n.Content[i+1]
		order = append(order, key.Value)
	}
	return fields, order, nil
}

// want adds an object and what is below it.
func (p *plan) want(file string, m *manifest, n *yaml.Node, parent, root string) {
	at := position{file, n.Line}
	fields, order, err := mapping(at, n)
	if err != nil {
		p.errs = append(p.errs, err)
		return
	}
	w := &wanted{m: m, key: m.key(fields), parent: parent, root: root, fields: fields, order: order, at: at, spec: m.newSpec()}
	if w.key == "" {
		p.errs = append(p.errs, at.wrong("%s: it needs a name", m.word))
		return
	}
	for _, other := range p.wants {
		if other.m == m && other.parent == parent && other.key == w.key {
			p.errs = append(p.errs, at.wrong("%s %s is in %s already", m.word, w.key, other.at))
			return
		}
	}
	if err := p.match(w); err != nil {
		p.errs = append(p.errs, err)
		return
	}
	if w.root == "" {
		w.root = w.id
	}
	p.wants = append(p.wants, w)
	for _, c := range m.children {
		below := fields[c.below]
		switch {
		case below == nil:
		case c.one:
			p.want(file, c, below, w.id, w.root)
		case below.Kind != yaml.SequenceNode:
			p.errs = append(p.errs, position{file, below.Line}.wrong("%s: use a list", c.below))
		default:
			for _, each := range below.Content {
				p.want(file, c, each, w.id, w.root)
			}
		}
	}
}

// match finds what the node has of w, or gives it an id.
func (p *plan) match(w *wanted) error {
	var found []have
	for _, h := range p.have[w.m.kind] {
		if h.parent == w.parent && (h.key == w.key || h.id == w.key) {
			found = append(found, h)
		}
	}
	switch {
	case len(found) > 1:
		return w.at.wrong("%s %s: the node has %d of that name, give all but one another", w.m.word, w.key, len(found))
	case len(found) == 1:
		w.is, w.id = &found[0], found[0].id
	case w.m.kind == lb.KindQuota:
		w.id = w.key
	default:
		w.id = uuid.NewString()
	}
	return nil
}

// decode reads the fields of everything that is wanted, now that all names are known.
func (p *plan) decode() {
	for _, w := range p.wants {
		for _, name := range w.order {
			n := w.fields[name]
			if name == "kind" && w.parent == "" || slices.ContainsFunc(w.m.children, func(c *manifest) bool { return c.below == name }) {
				continue
			}
			at := position{w.at.file, n.Line}
			i := slices.IndexFunc(w.m.attrs, func(a attribute) bool { return a.name == name })
			if i < 0 {
				p.errs = append(p.errs, at.wrong("%s %s: there is no field %s", w.m.word, w.key, name))
				continue
			}
			if err := w.m.attrs[i].decode(w.spec, n, p, w.root); err != nil {
				p.errs = append(p.errs, at.wrong("%s %s: %s: %w", w.m.word, w.key, name, err))
			}
		}
		p.mark(w)
		p.compare(w)
	}
}

// mark adds the tag of the set to what is wanted.
func (p *plan) mark(w *wanted) {
	if !w.m.tagged {
		return
	}
	tags := &metaOf(w.spec).Tags
	given, ok := tags.Get()
	if !ok && w.is != nil {
		given = w.is.tags
	} else if w.is != nil { // the marks of other sets stay
		for _, t := range w.is.tags {
			if strings.HasPrefix(t, markPrefix) {
				given = append(given, t)
			}
		}
	}
	if p.set != "" {
		given = append(slices.Clone(given), markPrefix+p.set)
	}
	if ok || p.set != "" {
		*tags = lb.Some(sortedSet(given))
	}
}

func metaOf(spec any) *lb.MetaSpec {
	switch s := spec.(type) {
	case *lb.NetworkSpec:
		return &s.MetaSpec
	case *lb.SubnetSpec:
		return &s.MetaSpec
	case *lb.LoadBalancerSpec:
		return &s.MetaSpec
	case *lb.ListenerSpec:
		return &s.MetaSpec
	case *lb.PoolSpec:
		return &s.MetaSpec
	case *lb.MemberSpec:
		return &s.MetaSpec
	case *lb.HealthMonitorSpec:
		return &s.MetaSpec
	case *lb.L7PolicySpec:
		return &s.MetaSpec
	case *lb.L7RuleSpec:
		return &s.MetaSpec
	}
	return &lb.MetaSpec{}
}

// compare finds what an update of w has to change.
func (p *plan) compare(w *wanted) {
	if w.is == nil {
		return
	}
	for _, a := range w.m.attrs {
		if !a.differs(w.spec, w.is.obj) {
			continue
		}
		if a.fixed {
			at := w.at
			if n := w.fields[a.name]; n != nil {
				at.line = n.Line
			}
			p.errs = append(p.errs, at.wrong("%s %s: %s cannot be changed, delete it first or give it another name", w.m.word, w.key, a.name))
		}
		w.gave = append(w.gave, a.name)
	}
}
