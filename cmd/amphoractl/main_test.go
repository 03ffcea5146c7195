package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
	"github.com/amphora-lb/amphora/rpc/admin/admintest"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// world is what one script works on: a node and the last exit code.
type world struct {
	backend   *admintest.Backend
	events    *event.Log
	endpoints admin.Endpoints
	stats     map[string]map[lb.ListenerID]lb.Stats
	stdin     string // what the next command reads
	code      int
}

// env is what the commands of a script see of the world. They run in its directory.
func (w *world) env(ts *testscript.TestScript) env {
	in := strings.NewReader(w.stdin)
	w.stdin = ""
	return env{stdin: in, stdout: ts.Stdout(), stderr: ts.Stderr(), getenv: ts.Getenv, dial: admin.Dial}
}

// TestScripts runs every line of testdata that begins with amphoractl against a
// real server on a unix socket. "node" plays tricks with the node behind it, and
// "exits" checks the exit code of the line before.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			w := &world{backend: new(admintest.Backend), events: event.NewLog(event.Config{Node: "amphora-1"})}
			target, stop, err := admintest.Serve(admin.Config{
				Backend: w.backend, Events: w.events, Sealer: sealer{}, Endpoints: func() admin.Endpoints { return w.endpoints },
				Stats: func(context.Context) (map[string]map[lb.ListenerID]lb.Stats, error) { return w.stats, nil },
			})
			if err != nil {
				return err
			}
			e.Defer(func() {
				if err := stop(); err != nil {
					t.Errorf("stop the node: %v", err)
				}
			})
			e.Setenv("AMPHORA_SOCKET", target)
			e.Values["world"] = w
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"amphoractl": func(ts *testscript.TestScript, neg bool, args []string) {
				w := ts.Value("world").(*world)
				w.code = run(t.Context(), w.env(ts), args)
				if (w.code == exitOK) == neg {
					ts.Fatalf("exit code %d: %s", w.code, ts.Stderr())
				}
			},
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				if got := strconv.Itoa(ts.Value("world").(*world).code); got != args[0] {
					ts.Fatalf("exit code %s, want %s", got, args[0])
				}
			},
			"node": func(ts *testscript.TestScript, _ bool, args []string) {
				trick, ok := tricks[args[0]]
				if !ok {
					ts.Fatalf("unknown trick %q, there are %q", args[0], slices.Sorted(maps.Keys(tricks)))
				}
				trick(ts.Value("world").(*world), args[1:])
			},
		},
	})
}

// sealer turns payloads round: nobody reads them here.
type sealer struct{}

// Seal implements admin.Sealer.
func (sealer) Seal(_ string, payload []byte) ([]byte, error) {
	sealed := slices.Clone(payload)
	slices.Reverse(sealed)
	return sealed, nil
}

var tricks = map[string]func(*world, []string){
	// reads TEXT: the next command reads that line from standard input.
	"reads": func(w *world, args []string) { w.stdin = strings.Join(args, " ") + "\n" },
	// rest URL: the node serves all REST APIs there.
	"rest": func(w *world, args []string) {
		w.endpoints = admin.Endpoints{Identity: args[0] + "/v3", LoadBalancer: args[0], Network: args[0], KeyManager: args[0], Region: "RegionOne"}
	},
	// counted ID: each of two amphorae has counted the same of that listener.
	"counted": func(w *world, args []string) {
		one := map[lb.ListenerID]lb.Stats{lb.ListenerID(args[0]): {ActiveConnections: 1, TotalConnections: 2, BytesIn: 30, BytesOut: 400, RequestErrors: 5}}
		w.stats = map[string]map[lb.ListenerID]lb.Stats{"1": one, "2": one}
	},
	// busy: nothing is ever served.
	"busy": func(w *world, _ []string) { w.backend.SetView(func(*lb.Config) lb.View { return lb.View{} }) },
	// broken ID REASON: that resource cannot be served.
	"broken": func(w *world, args []string) {
		w.backend.SetView(func(c *lb.Config) lb.View {
			return lb.View{Revision: c.Revision(), Errors: map[string]string{args[0]: args[1]}}
		})
	},
	// checked UP DOWN: ids of a member that answers and of one that does not.
	"checked": func(w *world, args []string) {
		w.backend.SetView(func(c *lb.Config) lb.View {
			return lb.View{Revision: c.Revision(), Members: map[lb.MemberID]lb.OperatingStatus{
				lb.MemberID(args[0]): lb.Online, lb.MemberID(args[1]): lb.Failed,
			}}
		})
	},
	// minority: there is no quorum.
	"minority": func(w *world, _ []string) {
		w.backend.FailSync(&lb.Error{Kind: lb.ErrUnavailable, Msg: "no quorum: 1 of 3 nodes can be reached"})
	},
	// pair: the node is one of a pair with a witness.
	"pair": func(w *world, _ []string) {
		w.backend.SetStatus(admin.ClusterStatus{
			Cluster: "amphora", NodeID: "1", LeaderID: "1", HolderID: "1", Term: 3, AppliedIndex: 42, Quorum: true,
			Topology: "pair and witness", Profile: "default",
			Degraded: []string{"witness is dead: the next failure stops the VIPs"},
			Holding: &admin.Holding{
				Since: admintest.Start, Term: 3, Lease: 431500 * time.Microsecond,
				Takeover: admin.Takeover{
					Cause: "silence", From: "amphora-2", Total: 478300 * time.Microsecond,
					Stages: []admin.Stage{{Name: "missed", At: 460 * time.Millisecond}, {Name: "elected", At: 470 * time.Millisecond}},
				},
			},
			Nodes: []admin.Node{
				{ID: "1", Name: "amphora-1", Role: admin.Amphora, State: admin.Alive, Addr: "192.0.2.11:7480", Voter: true, AppliedIndex: 42, VIPs: []string{"192.0.2.100"}},
				{ID: "2", Name: "amphora-2", Role: admin.Amphora, State: admin.Alive, Addr: "192.0.2.12:7480", Voter: true, AppliedIndex: 41},
				{ID: "3", Name: "witness", Role: admin.Witness, State: admin.Dead, Addr: "192.0.2.13:7480", Voter: true, Problem: "no answer for 12s"},
			},
		})
	},
	// saw MESSAGE: an event happened.
	"saw": func(w *world, args []string) {
		w.events.Append(event.Event{
			At: admintest.Start, Kind: event.HolderChanged, Resource: "node", ID: "2", Name: "amphora-2", Message: args[0],
		})
	},
}

// Every command explains itself and shows how it is used.
func TestHelp(t *testing.T) {
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Long == "" {
			t.Errorf("%s: Short and Long are required", cmd.CommandPath())
		}
		if !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s: the example does not show the command: %q", cmd.CommandPath(), cmd.Example)
		}
		var out bytes.Buffer
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		if code := run(t.Context(), testEnv(&out, nil), args); code != exitOK || !strings.Contains(out.String(), "Usage:") {
			t.Errorf("%s --help exits with %d and prints %s", cmd.CommandPath(), code, out.String())
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	c := &cli{env: testEnv(new(bytes.Buffer), nil)}
	root := c.root()
	check(root)
	if n := len(root.Commands()); n < 10 {
		t.Errorf("only %d commands checked", n)
	}
}

// The examples are command lines that parse.
func TestExamplesParse(t *testing.T) {
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			line = strings.TrimSpace(line)
			args, ok := strings.CutPrefix(line, "amphoractl ")
			if !ok || strings.ContainsAny(args, `>"'`) {
				continue
			}
			var stderr bytes.Buffer
			refused := errors.New("refused")
			e := testEnv(new(bytes.Buffer), &stderr)
			e.dial = func(context.Context, string) (*admin.Client, error) { return nil, refused }
			if code := run(t.Context(), e, strings.Fields(args)); code == exitUsage {
				t.Errorf("%s\n%s", line, stderr.String())
			}
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	check((&cli{env: testEnv(nil, nil)}).root())
}

func testEnv(stdout, stderr *bytes.Buffer) env {
	if stdout == nil {
		stdout = new(bytes.Buffer)
	}
	if stderr == nil {
		stderr = new(bytes.Buffer)
	}
	return env{stdin: strings.NewReader("secret\n"), stdout: stdout, stderr: stderr, getenv: func(string) string { return "" }, dial: admin.Dial}
}

// serve serves cfg for the length of a test.
func serve(t *testing.T, cfg admin.Config) (target string) {
	t.Helper()
	target, stop, err := admintest.Serve(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("stop the node: %v", err)
		}
	})
	return target
}

// A watch goes on until it is interrupted, which is not an error.
func TestEventsWatch(t *testing.T) {
	testenv.NoLeaks(t)
	events := event.NewLog(event.Config{Node: "amphora-1"})
	target := serve(t, admin.Config{Events: events})
	events.Append(event.Event{Message: "first"})
	ctx, cancel := context.WithCancel(t.Context())
	out := &lines{seen: func(line string) {
		switch {
		case strings.Contains(line, "first"):
			events.Append(event.Event{Message: "second"})
		case strings.Contains(line, "second"):
			cancel()
		}
	}}
	e := testEnv(nil, nil)
	e.stdout = out
	if code := run(ctx, e, []string{"--socket", target, "events", "--watch", "--timeout", "1ns"}); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if out.n != 2 {
		t.Errorf("%d events printed, want 2", out.n)
	}
}

// What gRPC adds around the words of the node does not help an operator.
func TestComplaints(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.Join(status.Error(codes.Internal, "the node failed")), "amphoractl: the node failed\n"},
		{context.Canceled, "amphoractl: context canceled\nhint: interrupted before the node answered: a change may have been made all the same\n"},
	} {
		var stderr bytes.Buffer
		(&cli{env: testEnv(nil, &stderr)}).complain(tt.err)
		if got := stderr.String(); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.err, got, tt.want)
		}
	}
}

type full struct{}

// Write implements io.Writer.
func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOutputThatIsLostIsAnError(t *testing.T) {
	target := serve(t, admin.Config{Backend: new(admintest.Backend)})
	for _, line := range []string{
		"subnet create --cidr 192.0.2.0/24 public -o id",
		"loadbalancer create --name lb1 --vip-subnet-id public",
		"loadbalancer list", "loadbalancer status lb1", "loadbalancer show lb1 -o json", "cluster status",
	} {
		e := testEnv(nil, nil)
		e.stdout = full{}
		if code := run(t.Context(), e, append(strings.Fields(line), "--socket", target)); code != exitError {
			t.Errorf("%s: exit code %d", line, code)
		}
	}
}

// lines calls seen with every line that is written.
type lines struct {
	seen func(string)
	n    int
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.n++
	l.seen(string(p))
	return len(p), nil
}

func TestProgressIsForTerminals(t *testing.T) {
	b := new(admintest.Backend)
	target := serve(t, admin.Config{Backend: b})
	if code := run(t.Context(), testEnv(nil, nil), []string{"subnet", "create", "--cidr", "192.0.2.0/24", "public", "--socket", target}); code != exitOK {
		t.Fatalf("create a subnet: exit code %d", code)
	}
	for _, terminal := range []bool{false, true} {
		asked := 0
		b.SetView(func(c *lb.Config) lb.View {
			if asked++; asked < 3 {
				return lb.View{}
			}
			return lb.View{Revision: c.Revision()}
		})
		var stderr bytes.Buffer
		e := testEnv(nil, &stderr)
		e.terminal = terminal
		if code := run(t.Context(), e, []string{"loadbalancer", "create", "--vip-subnet-id", "public", "--socket", target}); code != exitOK {
			t.Fatalf("exit code %d: %s", code, stderr.String())
		}
		if shown := strings.Contains(stderr.String(), "PENDING_CREATE"); shown != terminal {
			t.Errorf("terminal %v: stderr %q", terminal, stderr.String())
		}
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for s, want := range map[string]time.Time{"10m": now.Add(-10 * time.Minute), "2026-01-01T00:00:00Z": time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if got, err := instantAgo(now, s); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", s, got, err, want)
		}
	}
	if _, err := instantAgo(now, "yesterday"); err == nil {
		t.Error("took yesterday")
	}
}
