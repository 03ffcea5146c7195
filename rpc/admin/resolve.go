package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/amphora-lb/amphora/lb"
)

// isID tells an id from a name: it has the form of a UUID, or of one without hyphens,
// as the ids of projects and users have.
func isID(ref string) bool {
	_, err := uuid.Parse(ref)
	return err == nil && (len(ref) == 36 || len(ref) == 32)
}

// find returns the resource that ref, an id or a name, names.
func find[T, R any](c *lb.Config, k kind[T, R], within scope[T], ref string) (*T, error) {
	if ref == "" {
		return nil, invalid(k.name, "", "which one? Give its id or its name")
	}
	if isID(ref) {
		v, ok := k.get(c, strings.ToLower(ref))
		if !ok {
			return nil, notFound(k.name, ref)
		}
		return v, inside(c, k, within, v)
	}
	all := k.all(c)
	if within != nil {
		var err error
		if all, err = within(c); err != nil {
			return nil, err
		}
	}
	var found []*T
	for v := range all {
		if k.meta(v).Name == ref || k.alias != nil && k.alias(v) == ref {
			found = append(found, v)
		}
	}
	switch len(found) {
	case 0:
		return nil, notFound(k.name, ref)
	case 1:
		return found[0], nil
	}
	return nil, ambiguous(k, ref, found)
}

// inside returns an error unless v is within the scope.
func inside[T, R any](c *lb.Config, k kind[T, R], within scope[T], v *T) error {
	if within == nil {
		return nil
	}
	all, err := within(c)
	if err != nil {
		return err
	}
	for each := range all {
		if k.id(each) == k.id(v) {
			return nil
		}
	}
	return notFound(k.name, k.id(v))
}

// maxCandidates is how many ids an error lists.
const maxCandidates = 10

func ambiguous[T, R any](k kind[T, R], ref string, found []*T) error {
	ids := make([]string, 0, maxCandidates)
	for _, v := range found[:min(len(found), maxCandidates)] {
		ids = append(ids, k.id(v))
	}
	list := strings.Join(ids, ", ")
	if more := len(found) - len(ids); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return &lb.Error{
		Kind: lb.ErrInvalid, Resource: k.name, ID: ref,
		Msg: fmt.Sprintf("%d have this name, use an id: %s", len(found), list),
	}
}

// idOf returns the id that a change is about. An id is taken as it is: only
// lb.Apply can tell whether it exists when the change is made, and a repeated
// request must reach the state machine even if the first one deleted it. A name
// is looked up in a configuration that is up to date.
func idOf[T, R any](ctx context.Context, b Backend, k kind[T, R], within scope[T], ref string) (string, error) {
	if isID(ref) {
		return strings.ToLower(ref), nil
	}
	if ref != "" {
		if err := b.Sync(ctx); err != nil {
			return "", err
		}
	}
	v, err := find(b.Config(), k, within, ref)
	if err != nil {
		return "", err
	}
	return k.id(v), nil
}

// resolve replaces the name in a field of a spec by the id.
func resolve[T, R any, ID ~string](ctx context.Context, b Backend, k kind[T, R], within scope[T], field string, o *lb.Opt[ID]) error {
	ref, ok := o.Get()
	if !ok || ref == "" {
		return nil
	}
	id, err := idOf(ctx, b, k, within, string(ref))
	if e := (*lb.Error)(nil); errors.As(err, &e) && e.Field == "" && e.Resource != "" {
		named := *e
		named.Field = field
		return &named
	}
	if err != nil {
		return err
	}
	*o = lb.Some(ID(id))
	return nil
}

// text is what a field of a spec says, empty when it says nothing.
func text[ID ~string](o lb.Opt[ID]) string {
	id, _ := o.Get()
	return string(id)
}
