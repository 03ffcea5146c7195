package octavia

import (
	"net/http"
	"slices"
	"strings"
)

// route is one call of the API. Its path has no prefix; {} stands for an id.
type route struct {
	method, path string
	run          func(*call) error
}

// collection is the routes of a resource at path.
func collection[R, S any](path string, r *resource[R, S]) []route {
	return []route{
		{http.MethodGet, path, r.list},
		{http.MethodPost, path, r.post},
		{http.MethodGet, path + "/{}", r.show},
		{http.MethodPut, path + "/{}", r.put},
		{http.MethodDelete, path + "/{}", r.delete},
	}
}

// router finds the route of a path, one segment after the other.
type router struct {
	below   map[string]*router // {} for an id
	methods map[string]func(*call) error
}

func newRouter(routes []route) *router {
	root := &router{}
	for _, r := range routes {
		n := root
		for _, s := range segments(r.path) {
			if n.below == nil {
				n.below = map[string]*router{}
			}
			if n.below[s] == nil {
				n.below[s] = &router{}
			}
			n = n.below[s]
		}
		if n.methods == nil {
			n.methods = map[string]func(*call) error{}
		}
		n.methods[r.method] = r.run
	}
	return root
}

// find returns what a call runs, and the ids in its path. The fault has pecan's form.
func (n *router) find(method, path string) (run func(*call) error, ids []string, f *fault) {
	for _, s := range segments(path) {
		next := n.below[s]
		if next == nil || s == "{}" {
			next = n.below["{}"]
			ids = append(ids, s)
		}
		if next == nil {
			return nil, nil, notFound()
		}
		n = next
	}
	if n.methods == nil {
		return nil, nil, notFound()
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if run = n.methods[method]; run == nil {
		return nil, nil, n.notAllowed(method)
	}
	return run, ids, nil
}

func (n *router) notAllowed(method string) *fault {
	var allow []string
	for m := range n.methods {
		allow = append(allow, m)
	}
	slices.Sort(allow)
	return &fault{
		status: http.StatusMethodNotAllowed, pecan: true,
		text:   "The method " + method + " is not allowed for this resource.",
		header: http.Header{"Allow": {strings.Join(allow, ", ")}},
	}
}

func notFound() *fault {
	return &fault{status: http.StatusNotFound, pecan: true, text: "The resource could not be found."}
}

func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// below strips a leading segment.
func stripSegment(path, segment string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "/"+segment)
	if !ok || rest != "" && rest[0] != '/' {
		return path, false
	}
	return rest, true
}

// place says which part of the service a path means.
type place int

const (
	nowhere   place = iota
	versions        // the version document
	liveness        // the health check
	discovery       // a root, which answers "v2"
	resources
)

// locate maps the many forms of a path to the one that routes have.
func locate(path string) (place, string) {
	path, _ = stripSegment(path, "load-balancer")
	switch strings.TrimRight(path, "/") {
	case "":
		return versions, ""
	case "/healthcheck":
		return liveness, ""
	}
	path, ok := stripSegment(path, "v2.0")
	if !ok {
		path, ok = stripSegment(path, "v2")
	}
	if !ok {
		return nowhere, ""
	}
	path, _ = stripSegment(path, "lbaas")
	path = strings.TrimSuffix(strings.TrimRight(path, "/"), ".json")
	if path == "" || path == "/octavia" {
		return discovery, ""
	}
	return resources, path
}
