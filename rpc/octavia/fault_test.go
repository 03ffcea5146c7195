package octavia

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/lb"
)

func TestFaults(t *testing.T) {
	invalid := &lb.Error{Kind: lb.ErrInvalid, Resource: lb.KindMember, Field: "weight", Msg: "Validation failure: weight is bad"}
	for _, tt := range []struct {
		err    error
		status int
		text   string
	}{
		{&lb.Error{Kind: lb.ErrNotFound, Resource: lb.KindPool, ID: "p", Msg: "does not exist"}, 404, "Pool p not found."},
		{&lb.Error{Kind: lb.ErrNotFound, Resource: lb.KindSubnet, ID: "s", Msg: "does not exist"}, 400, "Subnet s not found."},
		{&lb.Error{Kind: lb.ErrInvalid, Field: "weight", Msg: "300 is out of range"}, 400, "Validation failure: weight: 300 is out of range"},
		{&lb.Error{Kind: lb.ErrInvalid, Field: "weight", Msg: "Too heavy"}, 400, "Too heavy"},
		{&lb.Error{Kind: lb.ErrInvalid, Field: "delay", Msg: "None is not a valid option for F"}, 400, "None is not a valid option for F"},
		{invalid, 400, "Validation failure: weight is bad"},
		{&lb.Error{Kind: lb.ErrConflict, Msg: "taken"}, 409, "taken"},
		{&lb.Error{Kind: lb.ErrInUse, Resource: lb.KindPool, Msg: "used"}, 409, "used"},
		{&lb.Error{Kind: lb.ErrInUse, Resource: lb.KindLoadBalancer, Msg: "it has children"}, 400, "it has children"},
		{&lb.Error{Kind: lb.ErrImmutable, Msg: "immutable"}, 409, "immutable"},
		{&lb.Error{Kind: lb.ErrQuota, Msg: "Quota has been met for resources: Pool"}, 403, "Quota has been met for resources: Pool"},
		{&lb.Error{Kind: lb.ErrUnsupported, Msg: "not here"}, 501, "not here"},
		{&lb.Error{Kind: lb.ErrPrecondition, Msg: "changed"}, 412, "changed"},
		{&lb.Error{Kind: lb.ErrUnavailable, Msg: "no leader"}, 503, "no leader"},
		{fmt.Errorf("on the way: %w", invalid), 400, "Validation failure: weight is bad"},
		{
			errors.Join(&lb.Error{Kind: lb.ErrConflict, Msg: "taken"}, invalid, &lb.Error{Kind: lb.ErrInvalid, Msg: "second"}),
			400, "Validation failure: weight is bad\nsecond",
		},
		{context.DeadlineExceeded, 503, "The request took too long. Please try again."},
		{errors.New("disk on fire at /var/lib"), 500, "An internal error occurred. The node's log has the cause."},
		{forbidden(), 403, "Policy does not allow this request to be performed."},
	} {
		f := faultOf(tt.err)
		if f.status != tt.status || f.text != tt.text {
			t.Errorf("%v: %d %q, want %d %q", tt.err, f.status, f.text, tt.status, tt.text)
		}
		if (f.status == 503) != (f.header.Get("Retry-After") != "") {
			t.Errorf("%v: header %v", tt.err, f.header)
		}
	}
}

func TestFaultForms(t *testing.T) {
	for want, f := range map[string]*fault{
		`{"faultcode":"Client","faultstring":"a \"b\"","debuginfo":null}`: badRequest(`a "b"`),
		`{"faultcode":"Server","faultstring":"x","debuginfo":null}`:       refuse(501, "x"),
		`{"code":404,"title":"Not Found","description":"x"}`:              {status: 404, text: "x", pecan: true},
	} {
		w := httptest.NewRecorder()
		f.write(w)
		if got := w.Body.String(); got != want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// Every kind that a fault may name has a name.
func TestTitles(t *testing.T) {
	for kind, title := range titles {
		if title == "" || strings.TrimSpace(title) != title {
			t.Errorf("%s: %q", kind, title)
		}
	}
}

func TestNoQuorum(t *testing.T) {
	b, _ := pair(t)
	h := New(Config{Backend: b})
	b.Fail(&lb.Error{Kind: lb.ErrUnavailable, Msg: "no quorum"})
	for _, request := range []string{"GET /v2/lbaas/loadbalancers", "GET /v2/octavia/amphorae", "GET /v2/octavia/watch", "POST /v2/lbaas/loadbalancers"} {
		a := ask(t, h, everybody, request, `{"loadbalancer":{}}`)
		if a.Code != 503 || a.Header.Get("Retry-After") == "" || a.fault() != "no quorum" {
			t.Errorf("%s: %d %s", request, a.Code, a.Body)
		}
	}
	if a := ask(t, h, everybody, "GET /healthcheck", ""); a.Code != 200 {
		t.Errorf("health check: %d", a.Code)
	}
}
