package octavia

import (
	"iter"
	"net/http"

	"github.com/amphora-lb/amphora/rpc/access"
)

// described is a name and what it means: a provider, or a capability of one.
type described struct{ name, description string }

// providers are those that load balancers may name. There is one, under two names.
var providers = []described{
	{"amphora", "The Octavia Amphora driver."},
	{"octavia", "Deprecated alias of the Octavia Amphora driver."},
}

var describedAttributes = []attribute[described]{
	{"name", func(d described) any { return d.name }},
	{"description", func(d described) any { return d.description }},
}

func describedList(many string, read access.Right, all func(*call, *snapshot) (iter.Seq[described], error)) *resource[described, struct{}] {
	return &resource[described, struct{}]{
		many: many, attrs: describedAttributes, read: read,
		id:  func(d described) string { return d.name },
		all: all,
	}
}

func providerRoutes() []route {
	list := describedList("providers", access.Read, func(*call, *snapshot) (iter.Seq[described], error) { return values(providers) })
	return []route{{http.MethodGet, "/providers", list.list}}
}
