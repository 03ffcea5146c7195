package octavia

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// blind is a node that cannot ask who holds the VIPs.
type blind struct{ *backend }

func (blind) View(context.Context) (lb.View, error) {
	return lb.View{}, errors.New("dial 192.0.2.7:7480: refused")
}

// What is not well says why, wherever it is shown; what is well says nothing.
func TestStatusReason(t *testing.T) {
	w := newWorld(t)
	w.b.nodes = []Node{{ID: "n1", Alive: true, Holder: true}, {ID: "n2"}}
	served := w.h
	broken := &backend{nodes: w.b.nodes, Backend: w.b.Backend}
	view := func(edit func(*lb.View)) http.Handler {
		return New(Config{Backend: viewed{broken, func() lb.View {
			v := lb.View{Revision: w.b.Config().Revision(), Errors: map[string]string{}, Members: map[lb.MemberID]lb.OperatingStatus{lb.MemberID(w.member): lb.Online}}
			edit(&v)
			return v
		}}})
	}
	bound := view(func(v *lb.View) { v.Errors[w.listener] = "port 80 is taken" })
	failing := view(func(v *lb.View) { v.Members[lb.MemberID(w.member)] = lb.Failed })
	full := view(func(v *lb.View) { v.Full = map[lb.ListenerID]bool{lb.ListenerID(w.listener): true} })
	unseen := New(Config{Backend: blind{w.b}})
	const none = "none"
	for _, tt := range []struct {
		name, path string
		h          http.Handler
		want       string
	}{
		{"served", "loadbalancers/{lb}", served, none},
		{"served", "listeners/{listener}", served, none},
		{"served", "loadbalancers/{lb}/status", served, none},
		{"not bound", "listeners/{listener}", bound, "port 80 is taken"},
		{"not bound", "listeners?provisioning_status=ERROR", bound, "port 80 is taken"},
		{"not bound", "listeners?status_reason=port+80+is+taken&fields=status_reason", bound, "port 80 is taken"},
		{"not bound", "loadbalancers/{lb}/status", bound, "port 80 is taken"},
		{"not bound", "loadbalancers/{lb}", bound, none},
		{"failing", "pools/{pool}/members/{member}", failing, "it fails its health checks"},
		{"failing", "pools/{pool}", failing, "no member passes its health checks"},
		{"failing", "loadbalancers/{lb}", failing, "pool " + w.pool + ": no member passes"},
		{"full", "listeners/{listener}", full, "connection_limit"},
		{"no holder", "listeners/{listener}", unseen, reasonNoView},
		{"no holder", "l7policies/{l7policy}/rules/{rule}", unseen, reasonNoView},
		{"silent node", "/v2/octavia/amphorae?status=ERROR", served, "do not hear from it"},
		{"node", "/v2/octavia/amphorae?status=ALLOCATED", served, none},
	} {
		path := w.ids(tt.path)
		if !strings.HasPrefix(path, "/") {
			path = "/v2/lbaas/" + path
		}
		a := ask(t, tt.h, access.Caller{Open: true}, "GET "+path, "")
		_, after, there := strings.Cut(a.Body, `"status_reason":"`)
		if a.Code != http.StatusOK || there != (tt.want != none) || there && !strings.Contains(after, tt.want) {
			t.Errorf("%s: %s: %d %s, want the reason %q", tt.name, path, a.Code, a.Body, tt.want)
		}
		if strings.Contains(a.Body, "192.0.2.7") {
			t.Errorf("%s: %s tells where nodes are: %s", tt.name, path, a.Body)
		}
	}
}

// viewed is a node whose holder sees it so.
type viewed struct {
	*backend
	view func() lb.View
}

func (v viewed) View(context.Context) (lb.View, error) { return v.view(), nil }
