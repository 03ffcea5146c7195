package certs_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amphora-lb/amphora/internal/certs"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/resttest"
)

// store is a Source in memory that counts what it is asked. The test has the lock, but
// for the time that it lets pass.
type store struct {
	mu         sync.Mutex
	secrets    map[string]string
	containers map[string]map[string]string
	fails      error
	poisoned   string // secret at which it fails
	asked      int
}

func (s *store) Owns(string) bool { return true }

func (s *store) Secret(_ context.Context, id string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.fails != nil {
		return nil, s.fails
	}
	if id == s.poisoned {
		return nil, &certs.Answered{Err: errAway}
	}
	if v, ok := s.secrets[id]; ok {
		return []byte(v), nil
	}
	return nil, &lb.Error{Kind: lb.ErrNotFound, Resource: lb.KindSecret, ID: id}
}

func (s *store) Container(_ context.Context, id string) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.fails != nil {
		return nil, s.fails
	}
	if v, ok := s.containers[id]; ok {
		return maps.Clone(v), nil
	}
	return nil, &lb.Error{Kind: lb.ErrNotFound, Resource: lb.KindSecretContainer, ID: id}
}

var errAway = &lb.Error{Kind: lb.ErrUnavailable, Msg: "nobody answers"}

// following runs a follower in a bubble, where time is the test's.
func following(t *testing.T, test func(t *testing.T, s *store, f *certs.Follower, wanted *[]string)) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{secrets: map[string]string{}, containers: map[string]map[string]string{}}
		var wanted []string
		f := certs.Follow(certs.FollowConfig{Source: s, Every: time.Minute, Wanted: func() []string {
			s.mu.Lock()
			defer s.mu.Unlock()
			return wanted
		}})
		s.mu.Lock()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		test(t, s, f, &wanted)
		s.mu.Unlock()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
}

// pass lets time go by, and reports whether there was a signal.
func (s *store) pass(f *certs.Follower, d time.Duration) bool {
	s.mu.Unlock()
	<-time.After(d)
	synctest.Wait()
	s.mu.Lock()
	select {
	case <-f.Changes():
		return true
	default:
		return false
	}
}

var one, two, crate = resttest.ID(1), resttest.ID(2), resttest.ID(3)

func secretOf(t *testing.T, f *certs.Follower, id, want string) {
	t.Helper()
	got, err := f.Secret(t.Context(), id)
	if string(got) != want || (want == "") != errors.Is(err, lb.ErrUnavailable) {
		t.Errorf("secret %s: %q, %v; want %q", id, got, err, want)
	}
}

func TestFollowerReadsWhatIsAskedFor(t *testing.T) {
	following(t, func(t *testing.T, s *store, f *certs.Follower, wanted *[]string) {
		*wanted = []string{one}
		s.secrets[one] = "a"
		if s.pass(f, time.Hour); s.asked != 0 {
			t.Errorf("%d questions before anybody asked", s.asked)
		}
		secretOf(t, f, one, "") // it never blocks
		if !s.pass(f, 0) {
			t.Error("no signal after the first reading")
		}
		secretOf(t, f, one, "a")
		first := f.Version(one)

		if s.pass(f, time.Minute+time.Second); s.asked != 2 || f.Version(one) != first {
			t.Errorf("%d questions after a minute, version %d then %d; want 2 and the same", s.asked, first, f.Version(one))
		}
		s.secrets[one] = "b"
		if !s.pass(f, time.Minute) || f.Version(one) == first {
			t.Error("a change goes unnoticed")
		}
		secretOf(t, f, one, "b")

		*wanted = nil
		s.pass(f, 2*time.Minute)
		before := s.asked
		if s.pass(f, time.Hour); s.asked != before || f.Version(one) != 0 {
			t.Error("what nobody wants is still read")
		}
	})
}

func TestFollowerKeepsTheLastGoodCopy(t *testing.T) {
	for name, away := range map[string]error{"away": errAway, "gone": &lb.Error{Kind: lb.ErrNotFound, Msg: "deleted"}} {
		t.Run(name, func(t *testing.T) {
			following(t, func(t *testing.T, s *store, f *certs.Follower, wanted *[]string) {
				*wanted = []string{one, two}
				s.secrets[one], s.secrets[two] = "a", "b"
				secretOf(t, f, one, "")
				secretOf(t, f, two, "")
				s.pass(f, 0)
				if f.Ailing() || f.Warning(one) != "" {
					t.Errorf("warning %q while all is well", f.Warning(one))
				}

				s.fails = away
				if !s.pass(f, time.Minute+time.Millisecond) || !f.Ailing() || f.Warning(one) == "" || f.Warning(two) == "" {
					t.Errorf("no word that Barbican is %s: %q, %q", name, f.Warning(one), f.Warning(two))
				}
				secretOf(t, f, one, "a")
				before := s.asked
				if s.pass(f, time.Hour); s.asked-before > 2*(10+6) { // one 10 times in ten minutes, then every ten
					t.Errorf("%d questions in an hour, want fewer and fewer", s.asked-before)
				}
				secretOf(t, f, two, "b")

				s.fails, s.secrets[one] = nil, "c"
				s.pass(f, 10*time.Minute)
				if f.Ailing() || f.Warning(one) != "" {
					t.Errorf("warning %q after Barbican is back", f.Warning(one))
				}
				secretOf(t, f, one, "c")
			})
		})
	}
}

func TestFollowerAsksAStoreThatIsAwayOnce(t *testing.T) {
	following(t, func(t *testing.T, s *store, f *certs.Follower, wanted *[]string) {
		s.fails = errAway
		for n := range 50 {
			id := resttest.ID(100 + n)
			*wanted = append(*wanted, id)
			secretOf(t, f, id, "")
		}
		if s.pass(f, 0); s.asked > 2 {
			t.Errorf("%d questions to who is away, want one a round", s.asked)
		}
	})
}

// A secret at which the store fails keeps nobody from the others.
func TestFollowerPassesOverAPoisonedSecret(t *testing.T) {
	following(t, func(t *testing.T, s *store, f *certs.Follower, wanted *[]string) {
		*wanted = []string{one, two}
		s.secrets[two], s.poisoned = "b", one
		secretOf(t, f, one, "")
		secretOf(t, f, two, "")
		s.pass(f, 0)
		secretOf(t, f, two, "b")
		secretOf(t, f, one, "")
	})
}

func TestFollowerReadsContainersWhole(t *testing.T) {
	following(t, func(t *testing.T, s *store, f *certs.Follower, wanted *[]string) {
		ref := "https://b.example/v1/containers/" + crate
		*wanted = []string{ref}
		s.secrets[one], s.secrets[two] = "crt", "key"
		s.containers[crate] = map[string]string{"certificate": one, "private_key": two}
		if _, err := f.Container(t.Context(), crate); !errors.Is(err, lb.ErrUnavailable) {
			t.Errorf("at first: %v", err)
		}
		s.pass(f, 0)
		parts, err := f.Container(t.Context(), crate)
		if err != nil || len(parts) != 2 {
			t.Fatalf("container: %v, %v", parts, err)
		}
		secretOf(t, f, one, "crt")
		secretOf(t, f, two, "key")
		before := f.Version(ref)
		s.secrets[two] = "another key"
		if !s.pass(f, time.Minute+time.Second) || f.Version(ref) == before {
			t.Error("a change of a part goes unnoticed")
		}
	})
}

// What a resolver reads through a follower, and what version it says that it has.
func TestResolverFollows(t *testing.T) {
	following(t, func(t *testing.T, s *store, f *certs.Follower, wanted *[]string) {
		ca, key := newCA(t, "ca"), newKey(t)
		s.secrets[one] = string(append(certPEM(ca.issue(t, key, "far.example")), keyPEM(t, key)...))
		*wanted = []string{one}
		here := resttest.New(nil)
		r := certs.New(certs.Config{Objects: here.Config, Opener: plain{}, Elsewhere: f})
		if _, err := r.Certificate(t.Context(), one, mine); !errors.Is(err, lb.ErrUnavailable) || r.Version(here.Config(), one) != 0 {
			t.Errorf("at first: %v, version %d", err, r.Version(here.Config(), one))
		}
		s.pass(f, 0)
		got, err := r.Certificate(t.Context(), one, mine)
		if err != nil || got.Names()[0] != "far.example" {
			t.Errorf("then: %v, %v", got, err)
		}
		if r.Version(here.Config(), one) == 0 || r.Warning(one) != "" {
			t.Errorf("version %d, warning %q", r.Version(here.Config(), one), r.Warning(one))
		}
		s.fails = errAway
		s.pass(f, 2*time.Minute)
		if r.Warning(one) == "" {
			t.Error("no warning while Barbican is away")
		}
	})
}
