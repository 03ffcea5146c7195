package octavia

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amphora-lb/amphora/lb"
)

// shelf is a Refs that notes what it was asked, and knows no reference with "bad" in it.
type shelf struct{ asked []string }

func (s *shelf) note(refs ...string) error {
	for _, ref := range refs {
		if strings.Contains(ref, "bad") {
			return &lb.Error{Kind: lb.ErrInvalid, Msg: "Could not retrieve certificate: ['" + ref + "']"}
		}
	}
	return nil
}

func (s *shelf) CheckCertificates(_ context.Context, project string, refs ...string) error {
	s.asked = append(s.asked, fmt.Sprint(project, " certs ", refs))
	return s.note(refs...)
}

func (s *shelf) CheckTrust(_ context.Context, project, ca, crl string) error {
	s.asked = append(s.asked, fmt.Sprint(project, " ca ", ca, " crl ", crl))
	return s.note(ca, crl)
}

func TestRefsAreChecked(t *testing.T) {
	w := newWorld(t)
	s := &shelf{}
	w.h = New(Config{Backend: w.b, Refs: s})
	tls := w.create("listeners", `{"listener":{"loadbalancer_id":"{lb}","protocol":"TERMINATED_HTTPS","protocol_port":443,
		"default_tls_container_ref":"a","sni_container_refs":["b","c"],"client_ca_tls_container_ref":"d"}}`)
	pool := w.create("pools", `{"pool":{"loadbalancer_id":"{lb}","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","tls_enabled":true,
		"tls_container_ref":"e","ca_tls_container_ref":"f","crl_container_ref":"g"}}`)
	for _, step := range []struct {
		request, body string
		status        int
	}{
		{"PUT listeners/" + tls, `{"listener":{"name":"x"}}`, http.StatusOK},
		{"PUT listeners/" + tls, `{"listener":{"client_crl_container_ref":"h"}}`, http.StatusOK},
		{"PUT listeners/" + tls, `{"listener":{"client_ca_tls_container_ref":"bad"}}`, http.StatusBadRequest},
		{"PUT pools/" + pool, `{"pool":{"tls_container_ref":"bad"}}`, http.StatusBadRequest},
		{"PUT pools/" + pool, `{"pool":{"crl_container_ref":null,"ca_tls_container_ref":"i"}}`, http.StatusOK},
		{"POST loadbalancers", `{"loadbalancer":{"vip_subnet_id":"{subnet}","project_id":"p2","listeners":[{"name":"l","protocol":"TERMINATED_HTTPS","protocol_port":443,
			"default_tls_container_ref":"j"}],"pools":[{"name":"p","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","tls_enabled":true,"tls_container_ref":"bad"}]}}`, http.StatusBadRequest},
	} {
		a := w.ask(step.request, step.body)
		if a.Code != step.status || step.status == http.StatusBadRequest && !strings.Contains(a.Body, "Could not retrieve certificate: ['bad']") {
			t.Errorf("%s %s: %d %s", step.request, step.body, a.Code, a.Body)
		}
	}
	want := []string{
		"p1 certs [a b c]", "p1 ca d crl ", "p1 certs [e]", "p1 ca f crl g",
		"p1 ca d crl h", "p1 ca bad crl h", "p1 certs [bad]", "p1 ca i crl ", "p2 certs [j bad]",
	}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("asked (-want +got)\n%s", diff)
	}
}
