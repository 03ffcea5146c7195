package tlsx

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/internal/testpki"
)

// responder answers for certificates of ca as answer says; a nil answer fails.
type responder struct {
	*httptest.Server
	ca     *testpki.CA
	asked  atomic.Int64
	answer func() *ocsp.Response
}

func newResponder(t *testing.T, ca *testpki.CA) *responder {
	r := &responder{ca: ca}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.asked.Add(1)
		raw, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
			return
		}
		question, err := ocsp.ParseRequest(raw)
		answer := r.answer()
		if err != nil || answer == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answer.SerialNumber = question.SerialNumber
		der, err := ocsp.CreateResponse(r.ca.Cert, r.ca.Cert, *answer, r.ca.Key)
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = w.Write(der)
	}))
	t.Cleanup(r.Close)
	return r
}

func TestStapler(t *testing.T) {
	ca := testpki.NewCA(t, "CA")
	r := newResponder(t, ca)
	start := time.Now()
	var ahead atomic.Int64
	now := func() time.Time { return start.Add(time.Duration(ahead.Load())) }
	cert, err := NewCertificate(ca.Issue(func(c *x509.Certificate) { c.OCSPServer = []string{r.URL} }, "a"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := NewCertificate(ca.Issue(nil, "b"))
	if err != nil {
		t.Fatal(err)
	}
	good := func() *ocsp.Response {
		return &ocsp.Response{Status: ocsp.Good, ThisUpdate: now().Add(-time.Minute), NextUpdate: now().Add(4 * time.Hour)}
	}
	s := NewStapler(StaplerConfig{Client: r.Client(), Now: now})
	s.Watch([]*Certificate{cert, plain})
	round := func(answer func() *ocsp.Response) (asked bool, shown []byte) {
		before := r.asked.Load()
		r.answer = answer
		s.round(t.Context())
		return r.asked.Load() > before, cert.shown.Load().OCSPStaple
	}
	later := func(d time.Duration) { ahead.Add(int64(d)) }
	revoked := func() *ocsp.Response { a := good(); a.Status = ocsp.Revoked; return a }
	old := func() *ocsp.Response { a := good(); a.NextUpdate = now().Add(-time.Second); return a }

	for name, answer := range map[string]func() *ocsp.Response{"nothing": func() *ocsp.Response { return nil }, "revoked": revoked, "old": old} {
		if asked, shown := round(answer); !asked || shown != nil {
			t.Errorf("%s: asked %v, shows %d bytes", name, asked, len(shown))
		}
		if asked, _ := round(answer); asked {
			t.Errorf("%s: asked again at once", name)
		}
		later(ocspMaxWait)
	}
	asked, first := round(good)
	if !asked || first == nil {
		t.Fatalf("a good response is not shown (asked %v)", asked)
	}
	later(time.Hour)
	if asked, _ := round(good); asked {
		t.Error("a fresh response is asked for again")
	}
	later(90 * time.Minute)
	if asked, shown := round(func() *ocsp.Response { return nil }); !asked || shown == nil {
		t.Errorf("past half its time: asked %v, shows %d bytes, want the one before", asked, len(shown))
	}
	later(2 * time.Hour)
	if _, shown := round(func() *ocsp.Response { return nil }); shown != nil {
		t.Error("a response that is out of date is shown")
	}
	later(ocspMaxWait)
	s.Watch([]*Certificate{plain})
	if asked, _ := round(good); asked || plain.shown.Load().OCSPStaple != nil {
		t.Error("what is not watched is asked for")
	}
	other := testpki.NewCA(t, "CA")
	r.ca = other
	s.Watch([]*Certificate{cert})
	if _, shown := round(good); shown != nil {
		t.Error("a response of another CA is shown")
	}
}

func TestStaplerRuns(t *testing.T) {
	ca := testpki.NewCA(t, "CA")
	r := newResponder(t, ca)
	r.answer = func() *ocsp.Response {
		return &ocsp.Response{Status: ocsp.Good, ThisUpdate: time.Now().Add(-time.Minute)}
	}
	cert, err := NewCertificate(ca.Issue(func(c *x509.Certificate) { c.OCSPServer = []string{r.URL} }, "a"))
	if err != nil {
		t.Fatal(err)
	}
	s := NewStapler(StaplerConfig{Client: r.Client()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	s.Watch([]*Certificate{cert})
	testenv.Eventually(t, 5*time.Second, func() error {
		if cert.shown.Load().OCSPStaple == nil {
			return errors.New("nothing is stapled")
		}
		return nil
	})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Who stores a certificate must not make a node talk to itself.
func TestResponderOnThisHost(t *testing.T) {
	r := newResponder(t, testpki.NewCA(t, "CA"))
	resp, err := outsideClient().Post(r.URL, "", nil)
	if err == nil {
		resp.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "no address of a responder") || r.asked.Load() != 0 {
		t.Errorf("got %v, asked %d times", err, r.asked.Load())
	}
}
