package lb

import (
	"slices"
	"strings"
)

// hexID is newID in the form of Keystone's ids.
func (e *edit) hexID(given string) string { return strings.ReplaceAll(e.newID(given), "-", "") }

// newHexID checks the id of a new project, user or role.
func (c *checker) newHexID(cfg *Config, id string) {
	switch {
	case !validHexID(id):
		c.invalid("id", "%q is not an id, use 32 lower-case hexadecimal digits", id)
	case cfg.hasIdentity(id):
		c.conflict("id", "%s is already in use", id)
	}
}

func validHexID(s string) bool {
	return len(s) == 32 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'f')
	})
}

// word checks a name that has to be there.
func (c *checker) word(v string, limit int) {
	if strings.TrimSpace(v) == "" {
		c.invalid("name", "cannot be empty")
	}
	c.text("name", v, limit)
}

// unique refuses a name that another resource of the kind has.
func (c *checker) unique(names pmap[string, string], name, id string) {
	if other, ok := names.Get(name); ok && other != id {
		c.conflict("name", "%q is the name of %s %s, which must be unique", name, c.kind, other)
	}
}

// renamed moves an index of names from one to another; "" is none.
func renamed(names pmap[string, string], from, to, id string) pmap[string, string] {
	if from == to {
		return names
	}
	if from != "" {
		names = names.Without(from)
	}
	if to != "" {
		names = names.With(to, id)
	}
	return names
}

// sortedTags checks tags, and returns them sorted and without duplicates.
func (c *checker) sortedTags(tags []string) []string {
	for _, tag := range tags {
		c.text("tags", tag, maxText)
	}
	if len(tags) == 0 {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(tags)))
}
