package lb

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxText    = 255                           // characters of a name, description, tag or URL path
	maxProject = 36                            // characters of the id of a project
	maxTimeout = 2073600000 * time.Millisecond // 24 days, Octavia's limit
)

// checker collects every rule that a request breaks, so that one answer names
// them all. An empty id means that the resource is being created.
type checker struct {
	kind Kind
	id   string
	errs []error
}

func (c *checker) creating() bool { return c.id == "" }

// err returns what was collected: nil, one *Error, or several joined.
func (c *checker) err() error {
	if len(c.errs) == 1 {
		return c.errs[0]
	}
	return errors.Join(c.errs...)
}

func (c *checker) add(kind error, field, format string, args ...any) {
	c.errs = append(c.errs, &Error{
		Kind: kind, Resource: c.kind, ID: c.id, Field: field, Msg: fmt.Sprintf(format, args...),
	})
}

// invalid notes that field breaks a rule; the message says what is allowed.
func (c *checker) invalid(field, format string, args ...any) {
	c.add(ErrInvalid, field, format, args...)
}

// failure is invalid for a rule between several fields, in Octavia's words.
func (c *checker) failure(field, format string, args ...any) {
	c.invalid(field, "Validation failure: "+format, args...)
}

// unsupported notes that the provider does not do what field asks for.
func (c *checker) unsupported(t *Tree, field, format string, args ...any) {
	provider := DefaultProvider
	if t != nil && t.LoadBalancer.Provider != "" {
		provider = t.LoadBalancer.Provider
	}
	c.add(ErrUnsupported, field, "Provider '"+provider+"' does not support a requested option: "+format, args...)
}

// conflict notes that something else has the value of field.
func (c *checker) conflict(field, format string, args ...any) {
	c.add(ErrConflict, field, format, args...)
}

// missing notes that field refers to a resource that is not there. The error
// is about that resource.
func (c *checker) missing(field string, kind Kind, id string) {
	c.errs = append(c.errs, &Error{Kind: ErrNotFound, Resource: kind, ID: id, Field: field, Msg: "does not exist"})
}

// optional gives dst the value of o: unchanged if absent, def if null.
func optional[T any](dst *T, o Opt[T], def T) {
	if v, ok := o.Get(); ok {
		*dst = v
	} else if o.IsNull() {
		*dst = def
	}
}

// required gives dst the value of a field that has no default. It reports
// whether dst has one now.
func required[T any](c *checker, field string, dst *T, o Opt[T]) bool {
	v, ok := o.Get()
	switch {
	case ok:
		*dst = v
	case c.creating():
		c.invalid(field, "is required")
		return false
	case o.IsNull():
		c.invalid(field, "cannot be null")
		return false
	}
	return true
}

// fixed gives dst the value of a field that a create may set and an update may
// only repeat.
func fixed[T comparable](c *checker, field string, dst *T, o Opt[T]) bool {
	var zero T
	if c.creating() {
		optional(dst, o, zero)
		return true
	}
	if v, _ := o.Get(); !o.IsAbsent() && v != *dst {
		c.invalid(field, "cannot be changed after creation")
		return false
	}
	return true
}

// requiredFixed is required when creating and fixed from then on.
func requiredFixed[T comparable](c *checker, field string, dst *T, o Opt[T]) bool {
	if c.creating() {
		return required(c, field, dst, o)
	}
	return fixed(c, field, dst, o)
}

// port is requiredFixed for a port number.
func (c *checker) port(field string, dst *uint16, o Opt[int]) bool {
	n := int(*dst)
	if !requiredFixed(c, field, &n, o) || !between(c, field, n, 1, 65535) {
		return false
	}
	*dst = uint16(n)
	return true
}

func between(c *checker, field string, v, low, high int) bool {
	if v < low || v > high {
		c.invalid(field, "%d is out of range, use %d to %d", v, low, high)
		return false
	}
	return true
}

// duration checks that v is a whole number of units from low to high.
func (c *checker) duration(field string, v, low, high, unit time.Duration, unitName string) {
	switch {
	case v%unit != 0:
		c.invalid(field, "%v is not a whole number of %s", v, unitName)
	case v < low || v > high:
		c.invalid(field, "%d is out of range, use %d to %d %s", v/unit, low/unit, high/unit, unitName)
	}
}

// enum checks v against the values that there are, in Octavia's words.
func enum[T ~string](c *checker, field string, v T, values ...T) bool {
	if slices.Contains(values, v) {
		return true
	}
	names := make([]string, len(values))
	for i, s := range values {
		names[i] = string(s)
	}
	c.invalid(field, "Invalid input for field/attribute %s. Value: '%s'. Value should be one of: %s", field, v, strings.Join(names, ", "))
	return false
}

// oneOf checks v against the values that this version serves.
func oneOf[T ~string](c *checker, field string, v T, served ...T) bool {
	if slices.Contains(served, v) {
		return true
	}
	names := make([]string, len(served))
	for i, s := range served {
		names[i] = string(s)
	}
	c.invalid(field, "%q is not served by this version, use %s", v, orList(names))
	return false
}

// text checks a free text. Characters are counted, not bytes, as Octavia does.
func (c *checker) text(field, v string, limit int) {
	switch n := utf8.RuneCountInString(v); {
	case !utf8.ValidString(v):
		c.invalid(field, "is not valid UTF-8")
	case n > limit:
		c.invalid(field, "is %d characters long, at most %d are allowed", n, limit)
	}
}

// address checks that a is the plain address of one host.
func (c *checker) address(field string, a netip.Addr) bool {
	switch {
	case !a.IsValid():
		c.invalid(field, "is not an IP address")
	case a.Is4In6():
		c.invalid(field, "%s is an IPv4 address in IPv6 form, use %s", a, a.Unmap())
	case a.Zone() != "":
		c.invalid(field, "%s has a zone, use an address without one", a)
	case a.IsUnspecified(), a.IsMulticast():
		c.invalid(field, "%s is not the address of a host", a)
	default:
		return true
	}
	return false
}

// newID checks the id that the proposer stamped.
func (c *checker) newID(cfg *Config, id string) {
	switch {
	case !validID(id):
		c.invalid("id", "the stamped id %q is not a lower-case UUID", id)
	case cfg.hasID(id):
		c.invalid("id", "the stamped id %s is already in use", id)
	}
}

// validID reports whether s is a UUID in the form of RFC 9562 section 4, in
// lower case.
func validID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := '0' <= s[i] && s[i] <= '9' || 'a' <= s[i] && s[i] <= 'f'
		if dash != (s[i] == '-') || !dash && !hex {
			return false
		}
	}
	return true
}

// fill checks the fields that every kind has. The project is not among them.
func (s MetaSpec) fill(c *checker, m *Meta) {
	optional(&m.Name, s.Name, "")
	optional(&m.Description, s.Description, "")
	optional(&m.AdminStateUp, s.AdminStateUp, true)
	optional(&m.Tags, s.Tags, nil)
	c.text("name", m.Name, maxText)
	c.text("description", m.Description, maxText)
	if !slices.IsSorted(m.Tags) || len(slices.Compact(slices.Clone(m.Tags))) != len(m.Tags) {
		m.Tags = slices.Compact(slices.Sorted(slices.Values(m.Tags)))
	}
	if len(m.Tags) == 0 {
		m.Tags = nil
	}
	for _, tag := range m.Tags {
		c.text("tags", tag, maxText)
	}
}

// fillChild is fill for a resource below a load balancer, whose project it
// has whatever the request says.
func (s MetaSpec) fillChild(c *checker, m *Meta, tree *Tree) {
	s.fill(c, m)
	switch {
	case !c.creating():
		fixed(c, "project_id", &m.ProjectID, s.ProjectID)
	case tree != nil:
		m.ProjectID = tree.LoadBalancer.ProjectID
	}
}

// noDescription refuses the one field of MetaSpec that members and health
// monitors do not have.
func (s MetaSpec) noDescription(c *checker) {
	if v, _ := s.Description.Get(); v != "" {
		c.invalid("description", "a %s has none, use name or tags", c.kind)
	}
}

// fillProject is for the kinds that have a project of their own.
func (s MetaSpec) fillProject(c *checker, m *Meta) {
	if fixed(c, "project_id", &m.ProjectID, s.ProjectID) {
		c.text("project_id", m.ProjectID, maxProject)
	}
}

// orList reads "A, B or C".
func orList(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// aged is what trees hold in order of creation.
type aged interface{ age() (*Meta, string) }

// byAge orders resources as trees hold them.
func byAge[T aged](a, b T) int {
	am, aid := a.age()
	bm, bid := b.age()
	return cmp.Or(am.CompareCreation(bm), cmp.Compare(aid, bid))
}

func (l *Listener) age() (*Meta, string) { return &l.Meta, string(l.ID) }
func (p *Pool) age() (*Meta, string)     { return &p.Meta, string(p.ID) }
func (m *Member) age() (*Meta, string)   { return &m.Meta, string(m.ID) }
func (r *L7Rule) age() (*Meta, string)   { return &r.Meta, string(r.ID) }
