package main

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/amphora-lb/amphora/lb"
)

// manifest is how one kind of object is written in a file that apply reads.
type manifest struct {
	word     string // what the file calls the kind
	kind     lb.Kind
	below    string // the key in the object above that holds it, "" at the top of a document
	one      bool   // there is at most one of it below its parent
	children []*manifest
	attrs    []attribute
	tagged   bool
	key      func(map[string]*yaml.Node) string // what an object is known by among its siblings
	newSpec  func() any
	create   func(id, parent string, spec any) lb.Op
	update   func(id string, revision uint64, spec any) lb.Op
	delete   func(id string) lb.Op
	describe func(obj any) have
}

// have is what the node has of an object.
type have struct {
	id, name, key, parent string
	revision              uint64
	tags                  []string
	obj                   any
}

// attribute is one field of a manifest.
type attribute struct {
	name    string
	fixed   bool // on create only
	decode  func(spec any, n *yaml.Node, p *plan, parent string) error
	differs func(spec, obj any) bool
	export  func(obj any, p *plan) any // nil: left out
}

// attr makes an attribute of a field of a spec and what an object has of it.
func attr[T, S, V any](name string, opt func(*S) *lb.Opt[V], of func(*T) V, c codec[V]) attribute {
	return attribute{
		name: name,
		decode: func(spec any, n *yaml.Node, p *plan, parent string) error {
			v, err := c.decode(n, p, parent)
			if err == nil {
				*opt(spec.(*S)) = lb.Some(v)
			}
			return err
		},
		differs: func(spec, obj any) bool {
			want, ok := opt(spec.(*S)).Get()
			return ok && !c.equal(want, of(obj.(*T)))
		},
		export: func(obj any, p *plan) any {
			v := of(obj.(*T))
			if reflect.ValueOf(&v).Elem().IsZero() {
				return nil
			}
			return c.show(v, p)
		},
	}
}

// once is an attribute that only create takes.
func once(a attribute) attribute {
	a.fixed = true
	return a
}

// codec reads and writes one type of value.
type codec[V any] struct {
	decode func(n *yaml.Node, p *plan, parent string) (V, error)
	equal  func(a, b V) bool
	show   func(v V, p *plan) any
}

// plainly is the codec of what YAML knows itself.
func plainly[V any]() codec[V] {
	return codec[V]{
		decode: func(n *yaml.Node, _ *plan, _ string) (V, error) {
			var v V
			if err := n.Decode(&v); err != nil {
				return v, fmt.Errorf("%q is no %T", n.Value, v)
			}
			return v, nil
		},
		equal: equalOrEmpty[V],
		show: func(v V, _ *plan) any {
			return v
		},
	}
}

// equalOrEmpty takes an empty list for none.
func equalOrEmpty[V any](a, b V) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if (x.Kind() == reflect.Slice || x.Kind() == reflect.Map) && x.Len() == 0 && y.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a, b)
}

// parsedAs is the codec of text that something parses.
func parsedAs[V any](parse func(string) (V, error), show func(V) any) codec[V] {
	return codec[V]{
		decode: func(n *yaml.Node, _ *plan, _ string) (V, error) {
			if n.Kind != yaml.ScalarNode {
				var v V
				return v, fmt.Errorf("use one value")
			}
			return parse(n.Value)
		},
		equal: equalOrEmpty[V],
		show:  func(v V, _ *plan) any { return show(v) },
	}
}

// listOf is the codec of a list.
func listOf[V any](c codec[V]) codec[[]V] {
	return codec[[]V]{
		decode: func(n *yaml.Node, p *plan, parent string) ([]V, error) {
			if n.Kind != yaml.SequenceNode {
				return nil, fmt.Errorf("use a list")
			}
			all := []V{}
			for _, each := range n.Content {
				v, err := c.decode(each, p, parent)
				if err != nil {
					return nil, err
				}
				all = append(all, v)
			}
			return all, nil
		},
		equal: equalOrEmpty[[]V],
		show: func(all []V, p *plan) any {
			var shown []any
			for _, v := range all {
				shown = append(shown, c.show(v, p))
			}
			return shown
		},
	}
}

// named is the codec of a reference: a name in the file, or of what the node has, or an
// id. Within says that it is among the children of the same load balancer.
func named[ID ~string](kind lb.Kind, within bool) codec[ID] {
	return codec[ID]{
		decode: func(n *yaml.Node, p *plan, parent string) (ID, error) {
			if !within {
				parent = ""
			}
			id, err := p.find(kind, parent, n.Value)
			return ID(id), err
		},
		equal: func(a, b ID) bool { return a == b },
		show: func(id ID, p *plan) any {
			// A subnet that was made without a network has one of its own, that no
			// command made, and another one when it is made again.
			if kind == lb.KindNetwork && !slices.ContainsFunc(p.have[kind], func(h have) bool { return h.id == string(id) }) {
				return nil
			}
			return p.nameOf(kind, string(id))
		},
	}
}

// The codecs of scalars.
var (
	asText   = plainly[string]()
	asInt    = plainly[int]()
	asBool   = plainly[bool]()
	asTexts  = listOf(asText)
	asPrefix = parsedAs(func(s string) (netip.Prefix, error) {
		p, err := prefix(s)
		return p.Masked(), err
	}, func(p netip.Prefix) any { return p.String() })
	asAddr    = parsedAs(address, func(a netip.Addr) any { return a.String() })
	asMillis  = parsedAs(duration(time.Millisecond), func(d time.Duration) any { return d.Milliseconds() })
	asSeconds = parsedAs(duration(time.Second), seconds)
	asHeaders = plainly[map[string]string]()
)

// asWord is the codec of one of the API's words.
func asWord[V ~string]() codec[V] {
	return parsedAs(word[V], func(v V) any { return string(v) })
}

// metaAttrs are the attributes that kinds with an lb.Meta share.
func metaAttrs[T, S any](spec func(*S) *lb.MetaSpec, of func(*T) *lb.Meta, description bool) []attribute {
	all := []attribute{
		attr("name", func(s *S) *lb.Opt[string] { return &spec(s).Name }, func(o *T) string { return of(o).Name }, asText),
		once(attr("project_id", func(s *S) *lb.Opt[string] { return &spec(s).ProjectID }, func(o *T) string { return of(o).ProjectID }, asText)),
		{
			name: "admin_state_up",
			decode: func(x any, n *yaml.Node, p *plan, parent string) error {
				v, err := asBool.decode(n, p, parent)
				spec(x.(*S)).AdminStateUp = lb.Some(v)
				return err
			},
			differs: func(x, obj any) bool {
				v, ok := spec(x.(*S)).AdminStateUp.Get()
				return ok && v != of(obj.(*T)).AdminStateUp
			},
			export: func(obj any, _ *plan) any {
				if of(obj.(*T)).AdminStateUp {
					return nil // the default
				}
				return false
			},
		},
	}
	if description {
		all = append(all, attr("description", func(s *S) *lb.Opt[string] { return &spec(s).Description }, func(o *T) string { return of(o).Description }, asText))
	}
	return append(all, attribute{
		name: "tags",
		decode: func(x any, n *yaml.Node, p *plan, parent string) error {
			tags, err := asTexts.decode(n, p, parent)
			spec(x.(*S)).Tags = lb.Some(tags)
			return err
		},
		differs: func(x, obj any) bool {
			want, ok := spec(x.(*S)).Tags.Get()
			return ok && !slices.Equal(sortedSet(want), of(obj.(*T)).Tags)
		},
		export: func(obj any, _ *plan) any {
			if tags := withoutMarks(of(obj.(*T)).Tags); len(tags) > 0 {
				return tags
			}
			return nil
		},
	})
}

func sortedSet(tags []string) []string {
	tags = slices.Clone(tags)
	slices.Sort(tags)
	return slices.Compact(tags)
}
