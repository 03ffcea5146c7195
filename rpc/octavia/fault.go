package octavia

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/amphora-lb/amphora/lb"
)

// fault is an answer that is an error. A fault of a resource has WSME's form; one of the
// frame around them, such as an unknown path, has pecan's.
type fault struct {
	status int
	text   string
	pecan  bool
	header http.Header
}

func (f *fault) Error() string { return fmt.Sprintf("%d: %s", f.status, f.text) }

// refuse is a fault of a resource.
func refuse(status int, format string, args ...any) *fault {
	return &fault{status: status, text: fmt.Sprintf(format, args...)}
}

// badRequest is the fault of a request that can never succeed as it is.
func badRequest(format string, args ...any) *fault {
	return refuse(http.StatusBadRequest, format, args...)
}

// validation is Octavia's ValidationException.
func validation(format string, args ...any) *fault {
	return badRequest("Validation failure: %s", fmt.Sprintf(format, args...))
}

// forbidden is what a caller without the right learns, whatever there is.
func forbidden() *fault {
	return refuse(http.StatusForbidden, "Policy does not allow this request to be performed.")
}

// missing says that a resource is not there.
func missing(kind lb.Kind, id string) *fault {
	return refuse(http.StatusNotFound, "%s %s not found.", titles[kind], cmp.Or(id, "None"))
}

// titles names the kinds as Octavia's messages do.
var titles = map[lb.Kind]string{
	lb.KindLoadBalancer:            "Load Balancer",
	lb.KindListener:                "Listener",
	lb.KindPool:                    "Pool",
	lb.KindMember:                  "Member",
	lb.KindHealthMonitor:           "Health Monitor",
	lb.KindL7Policy:                "L7 Policy",
	lb.KindL7Rule:                  "L7 Rule",
	lb.KindSubnet:                  "Subnet",
	lb.KindNetwork:                 "Network",
	lb.KindPort:                    "Port",
	lb.KindSecurityGroup:           "Security Group",
	lb.KindQoSPolicy:               "qos_policy",
	lb.KindQuota:                   "Quotas",
	lb.KindFlavor:                  "Flavor",
	lb.KindFlavorProfile:           "Flavor Profile",
	lb.KindAvailabilityZone:        "Availability Zone",
	lb.KindAvailabilityZoneProfile: "Availability Zone Profile",
	kindAmphora:                    "Amphora",
}

// lookedUp are the kinds that are no resources of Octavia: a request that names one that
// is not there is bad, its own resource is not missing.
var lookedUp = map[lb.Kind]bool{
	lb.KindSubnet: true, lb.KindNetwork: true, lb.KindPort: true, lb.KindSecurityGroup: true, lb.KindQoSPolicy: true,
}

// statuses is the one table from kind of error to status code, in the order in which
// Octavia would have looked: the first that fits is the answer's.
var statuses = []struct {
	kind   error
	status int
}{
	{lb.ErrNotFound, http.StatusNotFound},
	{lb.ErrInvalid, http.StatusBadRequest},
	{lb.ErrUnsupported, http.StatusNotImplemented},
	{lb.ErrConflict, http.StatusConflict},
	{lb.ErrInUse, http.StatusConflict},
	{lb.ErrImmutable, http.StatusConflict},
	{lb.ErrPrecondition, http.StatusPreconditionFailed},
	{lb.ErrQuota, http.StatusForbidden}, // counted when all else is in order
	{lb.ErrUnavailable, http.StatusServiceUnavailable},
}

// faultOf turns any error into an answer; unknown errors into one that says nothing.
func faultOf(err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	all := domainErrors(err)
	if len(all) == 0 {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return unavailable("The request took too long. Please try again.")
		}
		return refuse(http.StatusInternalServerError, "An internal error occurred. The node's log has the cause.")
	}
	for _, s := range statuses {
		var texts []string
		status := s.status
		for _, e := range all {
			if errors.Is(e.Kind, s.kind) {
				texts = append(texts, text(e))
				status = statusOf(e, status)
			}
		}
		switch {
		case texts == nil:
		case status == http.StatusServiceUnavailable:
			return unavailable(strings.Join(texts, "\n"))
		default:
			return refuse(status, "%s", strings.Join(texts, "\n"))
		}
	}
	return refuse(http.StatusInternalServerError, "%s", text(all[0]))
}

// statusOf mends the status where Octavia makes exceptions.
func statusOf(e *lb.Error, status int) int {
	switch {
	case errors.Is(e.Kind, lb.ErrNotFound) && lookedUp[e.Resource]:
		return http.StatusBadRequest
	case errors.Is(e.Kind, lb.ErrInUse) && e.Resource == lb.KindLoadBalancer: // it has children
		return http.StatusBadRequest
	}
	return status
}

// text is what a client reads of an error of the domain.
func text(e *lb.Error) string {
	switch {
	case errors.Is(e.Kind, lb.ErrNotFound) && e.Resource != "" && e.ID != "":
		return fmt.Sprintf("%s %s not found.", titles[e.Resource], e.ID)
	case errors.Is(e.Kind, lb.ErrInvalid) && e.Field != "" && !octavias(e.Msg) && !strings.Contains(e.Msg, e.Field):
		return "Validation failure: " + e.Field + ": " + e.Msg
	}
	return e.Msg
}

// octavias reports whether a message is a sentence of Octavia's, which is shown as it is.
func octavias(msg string) bool {
	return msg != "" && msg[0] >= 'A' && msg[0] <= 'Z' || strings.Contains(msg, "is not a valid option for")
}

// domainErrors unwraps joined errors.
func domainErrors(err error) []*lb.Error {
	if e, ok := err.(*lb.Error); ok { //nolint:errorlint // the tree is walked here
		return []*lb.Error{e}
	}
	var all []*lb.Error
	switch u := err.(type) { //nolint:errorlint // the tree is walked here
	case interface{ Unwrap() error }:
		return domainErrors(u.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range u.Unwrap() {
			all = append(all, domainErrors(e)...)
		}
	}
	return all
}

func unavailable(text string) *fault {
	return &fault{status: http.StatusServiceUnavailable, text: text, header: http.Header{"Retry-After": {"1"}}}
}

// write answers with the fault.
func (f *fault) write(w http.ResponseWriter) {
	for k, v := range f.header {
		w.Header()[k] = v
	}
	var body any
	switch {
	case f.pecan:
		body = struct {
			Code        int    `json:"code"`
			Title       string `json:"title"`
			Description string `json:"description"`
		}{f.status, http.StatusText(f.status), f.text}
	default:
		code := "Client"
		if f.status >= 500 {
			code = "Server"
		}
		body = struct {
			Code   string  `json:"faultcode"`
			String string  `json:"faultstring"`
			Debug  *string `json:"debuginfo"`
		}{code, f.text, nil}
	}
	b, _ := json.Marshal(body) // strings and numbers: cannot fail
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	_, _ = w.Write(b)
}
