package neutron

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/lb"
)

// fault is an answer that is not what was asked for, with Neutron's words for what it is.
type fault struct {
	status    int
	kind, msg string
}

// Error is the message for the client.
func (f fault) Error() string { return f.msg }

func badRequest(format string, args ...any) fault {
	return fault{http.StatusBadRequest, "HTTPBadRequest", fmt.Sprintf(format, args...)}
}

func disallowed(action string) fault {
	return fault{http.StatusForbidden, "PolicyNotAuthorized", "rule:" + action + " is disallowed by policy"}
}

func writeFault(w http.ResponseWriter, f fault) {
	writeJSON(w, f.status, record{"NeutronError": record{"type": f.kind, "message": f.msg, "detail": ""}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone: nobody to tell
}

// resourceNames are Neutron's names for kinds: in the types of its errors and in messages.
var resourceNames = map[lb.Kind]struct{ kind, name string }{
	lb.KindNetwork:       {"Network", "Network"},
	lb.KindSubnet:        {"Subnet", "Subnet"},
	lb.KindPort:          {"Port", "Port"},
	lb.KindSecurityGroup: {"SecurityGroup", "Security group"},
	lb.KindQoSPolicy:     {"QosPolicy", "QoS policy"},
	kindRule:             {"SecurityGroupRule", "Security group rule"},
}

func notFound(kind lb.Kind, id string) fault {
	n, ok := resourceNames[kind]
	if !ok {
		n.kind, n.name = "Resource", string(kind)
	}
	msg := n.name + " " + id + " could not be found."
	if kind == lb.KindSecurityGroup || kind == kindRule {
		msg = n.name + " " + id + " does not exist"
	}
	return fault{http.StatusNotFound, n.kind + "NotFound", msg}
}

// refuse answers with what err says, and logs what it must not say.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var f fault
	if !errors.As(err, &f) {
		f = domainFault(err)
	}
	if f.status == http.StatusInternalServerError {
		s.log.Error("request not answered", "method", r.Method, "path", r.URL.Path, logkey.Err, err)
	}
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeFault(w, f)
}

// domainFault is the one table between the domain's kinds of error and this API's.
func domainFault(err error) fault {
	var e *lb.Error
	if !errors.As(err, &e) {
		e = &lb.Error{Msg: err.Error()}
	}
	n := resourceNames[e.Resource]
	switch {
	case errors.Is(err, lb.ErrUnavailable):
		return fault{http.StatusServiceUnavailable, "HTTPServiceUnavailable", err.Error()}
	case errors.Is(err, lb.ErrPrecondition):
		return fault{http.StatusPreconditionFailed, "RevisionNumberConstraintFailed", reasons(err)}
	case errors.Is(err, lb.ErrNotFound):
		return notFound(e.Resource, e.ID)
	case errors.Is(err, lb.ErrInvalid):
		return fault{http.StatusBadRequest, "InvalidInput", "Invalid input for operation: " + reasons(err) + "."}
	case errors.Is(err, lb.ErrConflict):
		return fault{http.StatusConflict, conflictKind(e), "Unable to complete operation: " + reasons(err) + "."}
	case errors.Is(err, lb.ErrInUse), errors.Is(err, lb.ErrImmutable):
		kind := n.kind + "InUse"
		if e.Resource == lb.KindPort {
			kind = "ServicePortInUse"
		}
		return fault{http.StatusConflict, kind, fmt.Sprintf("Unable to complete operation on %s %s: %s.", e.Resource, e.ID, e.Msg)}
	}
	return fault{http.StatusInternalServerError, "HTTPInternalServerError", "Request Failed: internal server error while processing your request."}
}

// conflictKind names the conflicts that clients tell apart.
func conflictKind(e *lb.Error) string {
	switch e.Field {
	case "ip_address", "fixed_ips":
		return "IpAddressAlreadyAllocated"
	default:
		return "Conflict"
	}
}

// reasons says on one line what is wrong, field by field.
func reasons(err error) string {
	var all []string
	for _, e := range domainErrors(err) {
		if e.Field == "" {
			all = append(all, e.Msg)
		} else {
			all = append(all, e.Field+": "+e.Msg)
		}
	}
	return strings.Join(all, "; ")
}

// domainErrors collects every *lb.Error in the tree of err.
func domainErrors(err error) []*lb.Error {
	if e, ok := err.(*lb.Error); ok { //nolint:errorlint // this walks the tree itself
		return []*lb.Error{e}
	}
	var all []*lb.Error
	switch e := err.(type) { //nolint:errorlint // this walks the tree itself
	case interface{ Unwrap() []error }:
		for _, each := range e.Unwrap() {
			all = append(all, domainErrors(each)...)
		}
	case interface{ Unwrap() error }:
		all = domainErrors(e.Unwrap())
	}
	return all
}
