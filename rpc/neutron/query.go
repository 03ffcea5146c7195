package neutron

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/amphora-lb/amphora/lb"
)

// record is a resource, or anything else, as JSON has it.
type record map[string]any

// The parameters of a list that are no filters.
var paging = []string{"limit", "marker", "page_reverse", "sort_key", "sort_dir", "fields"}

var tagFilters = []string{"tags", "tags-any", "not-tags", "not-tags-any"}

// query is what a client asks of a list.
type query struct {
	values  url.Values
	limit   int // 0: none
	marker  string
	reverse bool
	keys    []sortKey
	fields  []string
	filters map[string][]string
}

type sortKey struct {
	name string
	desc bool
}

// parseQuery reads the query of a list of resources with those attributes.
func parseQuery(values url.Values, attributes []string) (query, error) {
	q := query{values: values, marker: values.Get("marker"), filters: map[string][]string{}}
	q.reverse = strings.EqualFold(values.Get("page_reverse"), "true")
	for _, f := range values["fields"] {
		q.fields = append(q.fields, strings.Split(f, ",")...)
	}
	if v := values.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return q, badRequest("Bad limit request: Limit must be an integer 0 or greater and not '%s'.", v)
		}
		q.limit = n
	}
	names, dirs := values["sort_key"], values["sort_dir"]
	if len(dirs) > 0 && len(dirs) != len(names) {
		return q, badRequest("The number of sort_keys and sort_dirs must be same")
	}
	for i, name := range names {
		if !slices.Contains(attributes, name) {
			return q, badRequest("'%s' is an invalid attribute for sort keys", name)
		}
		k := sortKey{name: name}
		if len(dirs) > 0 {
			switch dirs[i] {
			case "desc":
				k.desc = true
			case "asc":
			default:
				return q, badRequest("'%s' is an invalid sort direction, use asc or desc", dirs[i])
			}
		}
		q.keys = append(q.keys, k)
	}
	q.keys = append(q.keys, sortKey{name: "id"})
	var unknown []string
	for name, want := range values {
		switch {
		case slices.Contains(paging, name):
		case slices.Contains(attributes, name), slices.Contains(tagFilters, name):
			q.filters[name] = want
		default:
			unknown = append(unknown, "'"+name+"'")
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return q, badRequest("[%s] is invalid attribute for filtering", strings.Join(unknown, ", "))
	}
	return q, nil
}

// matches reports whether a record passes all filters.
func (q query) matches(r record) bool {
	for name, want := range q.filters {
		if slices.Contains(tagFilters, name) {
			if !matchTags(r, name, want) {
				return false
			}
		} else if !matchAny(r[name], want) {
			return false
		}
	}
	return true
}

func matchTags(r record, name string, want []string) bool {
	have, _ := r["tags"].([]string)
	has := func(tag string) bool { return slices.Contains(have, tag) }
	lacks := func(tag string) bool { return !has(tag) }
	tags := strings.Split(strings.Join(want, ","), ",")
	switch name {
	case "tags":
		return !slices.ContainsFunc(tags, lacks)
	case "tags-any":
		return slices.ContainsFunc(tags, has)
	case "not-tags":
		return slices.ContainsFunc(tags, lacks)
	default:
		return !slices.ContainsFunc(tags, has)
	}
}

// matchAny reports whether an attribute's value is one of those wanted. Of a list, it is
// enough that one item is.
func matchAny(value any, want []string) bool {
	switch v := value.(type) {
	case bool:
		return slices.ContainsFunc(want, func(w string) bool {
			b, err := boolean([]byte(w))
			return err == nil && b == v
		})
	case []string:
		return slices.ContainsFunc(want, func(w string) bool { return slices.Contains(v, w) })
	case []record: // fixed_ips=ip_address=192.0.2.1
		return slices.ContainsFunc(v, func(item record) bool {
			for _, w := range want {
				name, value, _ := strings.Cut(w, "=")
				part, substring := strings.CutSuffix(name, "_substr")
				got := asText(item[part])
				if got != value && (!substring || !strings.Contains(got, value)) {
					return false
				}
			}
			return true
		})
	default:
		return slices.Contains(want, asText(value))
	}
}

func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case uint64:
		return strconv.FormatUint(v, 10)
	}
	return ""
}

func compare(a, b any) int {
	switch x := a.(type) {
	case int:
		y, _ := b.(int)
		return cmp.Compare(x, y)
	case uint64:
		y, _ := b.(uint64)
		return cmp.Compare(x, y)
	case bool:
		if y, _ := b.(bool); x == y {
			return 0
		} else if x {
			return 1
		}
		return -1
	}
	return cmp.Compare(asText(a), asText(b))
}

// page sorts what matches and cuts out the page asked for. kind is that of the records.
func (q query) page(all []record, kind lb.Kind) ([]record, error) {
	slices.SortFunc(all, func(a, b record) int {
		for _, k := range q.keys {
			c := compare(a[k.name], b[k.name])
			if k.desc != q.reverse {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	if q.limit > 0 && q.marker != "" {
		i := slices.IndexFunc(all, func(r record) bool { return r["id"] == q.marker })
		if i < 0 {
			return nil, notFound(kind, q.marker)
		}
		all = all[i+1:]
	}
	if q.limit > 0 && len(all) > q.limit {
		all = all[:q.limit]
	}
	if q.reverse {
		slices.Reverse(all)
	}
	return all, nil
}

// links are those to the pages beside this one; none when no page was asked for.
func (q query) links(r *http.Request, page []record) []link {
	if q.limit == 0 {
		return nil
	}
	href := func(marker string, reverse bool) string {
		v := url.Values{}
		for name, values := range q.values {
			v[name] = values
		}
		v.Del("page_reverse")
		v.Set("marker", marker)
		if reverse {
			v.Set("page_reverse", "True")
		}
		return base(r) + r.URL.Path + "?" + v.Encode()
	}
	full := len(page) == q.limit
	var all []link
	if len(page) > 0 && (full || q.reverse) {
		all = append(all, link{"next", href(asText(page[len(page)-1]["id"]), false)})
	}
	if len(page) > 0 && (full || !q.reverse) {
		all = append(all, link{"previous", href(asText(page[0]["id"]), true)})
	}
	return all
}

// pick leaves the attributes that were asked for, all if none were.
func (q query) pick(r record) record { return pick(r, q.fields) }

func pick(r record, names []string) record {
	if len(names) == 0 {
		return r
	}
	out := record{}
	for _, name := range names {
		if v, ok := r[name]; ok {
			out[name] = v
		}
	}
	return out
}
