package octavia

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// query is what a list is asked for.
type query struct {
	limit   int // -1: none was given
	marker  string
	reverse bool
	sort    []sortKey
	fields  map[string]bool // nil: all
	filters map[string]string
	tags    tagFilter
}

type sortKey struct {
	name string
	desc bool
}

// tagFilter holds the four ways to ask for tags.
type tagFilter struct{ all, any, notAll, notAny []string }

// parseQuery reads the parameters of a list. What it does not know is a filter.
func parseQuery(values url.Values) (query, error) {
	q := query{limit: -1, filters: map[string]string{}}
	for name, given := range values {
		var err error
		switch last := given[len(given)-1]; name {
		case "limit":
			q.limit, err = parseLimit(last)
		case "marker":
			q.marker = last
			if id, ok := canonical(last); ok {
				q.marker = id
			}
		case "page_reverse":
			q.reverse, _ = boolWord(last)
		case "sort", "sort_key", "sort_dir", "fields":
		case "tags":
			q.tags.all = splitTags(given)
		case "tags-any":
			q.tags.any = splitTags(given)
		case "not-tags":
			q.tags.notAll = splitTags(given)
		case "not-tags-any":
			q.tags.notAny = splitTags(given)
		default:
			if len(given) > 1 {
				err = badArguments()
			}
			q.filters[name] = last
		}
		if err != nil {
			return query{}, err
		}
	}
	q.fields = parseFields(values)
	var err error
	q.sort, err = parseSort(values)
	return q, err
}

func badArguments() *fault {
	return badRequest("One or more arguments are either duplicate or invalid")
}

// parseLimit reads a limit; 0 is no limit.
func parseLimit(s string) (int, error) {
	if s == "infinite" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, &fault{status: 400, pecan: true, text: "Supplied pagination limit '" + s + "' is not valid."}
	}
	return max(n, 0), nil
}

// parseFields reads which attributes a client wants; nil: all.
func parseFields(values url.Values) map[string]bool {
	if !values.Has("fields") {
		return nil
	}
	want := map[string]bool{}
	for _, f := range values["fields"] {
		want[f] = true
	}
	return want
}

func splitTags(given []string) []string { return strings.Split(strings.Join(given, ","), ",") }

// parseSort reads both ways to say an order: sort=a:desc,b and sort_key=a,b&sort_dir=desc.
// Lists that are given several times count as one.
func parseSort(values url.Values) ([]sortKey, error) {
	var keys []sortKey
	if sort := strings.Join(values["sort"], ","); sort != "" {
		for part := range strings.SplitSeq(sort, ",") {
			name, dir, _ := strings.Cut(part, ":")
			desc, err := parseDirection(dir)
			if err != nil {
				return nil, err
			}
			keys = append(keys, sortKey{name, desc})
		}
		return keys, nil
	}
	names := strings.Join(values["sort_key"], ",")
	if names == "" {
		return nil, nil
	}
	dirs := strings.Split(strings.Join(values["sort_dir"], ","), ",")
	for i, name := range strings.Split(names, ",") {
		dir := ""
		if i < len(dirs) {
			dir = dirs[i]
		}
		desc, err := parseDirection(dir)
		if err != nil {
			return nil, err
		}
		keys = append(keys, sortKey{name, desc})
	}
	return keys, nil
}

func parseDirection(dir string) (desc bool, err error) {
	switch strings.ToLower(dir) {
	case "", "asc":
		return false, nil
	case "desc":
		return true, nil
	}
	return false, &fault{status: 400, pecan: true, text: "Supplied sort direction '" + dir + "' is not valid."}
}

// match reports whether a resource's tags are what was asked for.
func (f tagFilter) match(tags []string) bool {
	has := func(t string) bool { return slices.Contains(tags, t) }
	lacks := func(t string) bool { return !has(t) }
	switch {
	case slices.ContainsFunc(f.all, lacks):
		return false
	case f.any != nil && !slices.ContainsFunc(f.any, has):
		return false
	case f.notAll != nil && !slices.ContainsFunc(f.notAll, lacks):
		return false
	}
	return !slices.ContainsFunc(f.notAny, has)
}

// filter keeps what matches the query, in the order of rows.
func filter[R any](rows []R, q query, attrs []attribute[R], tags func(R) []string) ([]R, error) {
	for name, want := range q.filters {
		i := slices.IndexFunc(attrs, func(a attribute[R]) bool { return a.name == name })
		if i < 0 {
			return nil, badArguments()
		}
		bad := false
		rows = slices.DeleteFunc(rows, func(r R) bool {
			match, ok := matches(attrs[i].get(r), want)
			bad = bad || !ok
			return !match
		})
		if bad {
			return nil, badArguments()
		}
	}
	if tags != nil {
		rows = slices.DeleteFunc(rows, func(r R) bool { return !q.tags.match(tags(r)) })
	}
	return rows, nil
}

// order sorts rows: by the query's keys, then by order of creation, then by id.
func order[R any](rows []R, q query, attrs []attribute[R], id func(R) string) error {
	type by struct {
		get  func(R) any
		desc bool
	}
	var keys []by
	for _, k := range append(q.sort, sortKey{name: "created_at"}) {
		i := slices.IndexFunc(attrs, func(a attribute[R]) bool { return a.name == k.name })
		switch {
		case i >= 0 && (len(rows) == 0 || rank(attrs[i].get(rows[0])) >= 0):
			keys = append(keys, by{attrs[i].get, k.desc})
		case k.name != "created_at":
			return badRequest("Supplied sort key '%s' is not valid.", k.name)
		}
	}
	type row struct {
		r    R
		id   string
		keys []any
	}
	all := make([]row, len(rows))
	values := make([]any, len(rows)*len(keys))
	for i, r := range rows {
		all[i] = row{r, id(r), values[i*len(keys) : (i+1)*len(keys)]}
		for j, k := range keys {
			all[i].keys[j] = k.get(r)
		}
	}
	slices.SortFunc(all, func(a, b row) int {
		for j, k := range keys {
			if c := compare(a.keys[j], b.keys[j]); c != 0 {
				if k.desc {
					return -c
				}
				return c
			}
		}
		return strings.Compare(a.id, b.id)
	})
	for i := range all {
		rows[i] = all[i].r
	}
	return nil
}

// page cuts the asked page out of sorted rows.
func page[R any](rows []R, q query, limit int, id func(R) string) ([]R, error) {
	if q.marker == "" {
		return rows[:min(limit, len(rows))], nil
	}
	i := slices.IndexFunc(rows, func(r R) bool { return id(r) == q.marker })
	switch {
	case i < 0:
		return nil, badRequest("Supplied pagination marker '%s' is not valid.", q.marker)
	case q.reverse:
		return rows[max(0, i-limit):i], nil
	}
	rest := rows[i+1:]
	return rest[:min(limit, len(rest))], nil
}

// links are those to the pages before and after a page that begins with first and ends
// with last; a page that is full has one after it.
func links(base string, values url.Values, limit int, full bool, first, last string) []link {
	all := []link{}
	if first == "" {
		return all
	}
	keep := url.Values{}
	for name, given := range values {
		switch name {
		case "limit", "marker", "page_reverse":
		default:
			keep[name] = given
		}
	}
	href := func(marker, tail string) string {
		s := base + "?limit=" + strconv.Itoa(limit)
		if len(keep) > 0 {
			s += "&" + keep.Encode()
		}
		return s + "&marker=" + url.QueryEscape(marker) + tail
	}
	if values.Get("marker") != "" {
		all = append(all, link{Rel: "previous", Href: href(first, "&page_reverse=True")})
	}
	if full {
		all = append(all, link{Rel: "next", Href: href(last, "")})
	}
	return all
}
