package cluster

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// plainLogger logs lines of level, message and attributes.
func plainLogger(out *lockedBuffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func lines(out *lockedBuffer) []string { return strings.Split(strings.TrimSpace(out.String()), "\n") }

func TestRaftLogsRepeatedTroubleOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		l := newRaftLogger(plainLogger(&out), "raft", &throttle{})
		beat := func(peer string) { l.Named("replication").Error("failed to heartbeat to", "peer", peer, "tries", 1) }
		l.Info("entering follower state")
		beat("a")
		beat("a")
		beat("b")
		<-time.After(throttleEvery)
		beat("a")
		l.With("term", 3).Warn("stepping down")
		for range 3 {
			l.Warn("restarting election")
			l.Warn("term mis-match", "ours", time.Now().UnixNano())
			<-time.After(time.Second)
		}
		l.Error("cannot read", "error", fmt.Errorf("read: %w", net.ErrClosed))
		l.Error("cannot answer", "error", raft.ErrTransportShutdown)
		l.Error("cannot send to", "peer", raft.Server{ID: "id", Address: "host:1"})
		l.Error("short", "received", hclog.Fmt("%d / %d", 1, 2))
		want := []string{
			`level=WARN msg="failed to heartbeat to" component=raft peer=a tries=1`,
			`level=WARN msg="failed to heartbeat to" component=raft peer=b tries=1`,
			`level=WARN msg="failed to heartbeat to" component=raft peer=a tries=1`,
			`level=WARN msg="stepping down" component=raft term=3`,
			`level=WARN msg="restarting election" component=raft`,
			`level=WARN msg="term mis-match" component=raft ours=946684830000000000`,
			`level=WARN msg="cannot send to" component=raft peer=host:1`,
			`level=WARN msg=short component=raft received="1 / 2"`,
		}
		if diff := cmp.Diff(want, lines(&out)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRaftLoggerSaysWhatItWrites(t *testing.T) {
	var out lockedBuffer
	l := newRaftLogger(plainLogger(&out), "raft", &throttle{})
	if l.IsTrace() || l.IsDebug() || l.IsInfo() || !l.IsWarn() || !l.IsError() || l.GetLevel() != hclog.Warn || l.Name() != "raft" {
		t.Errorf("at slog's Info level it claims otherwise; level %v", l.GetLevel())
	}
}

func TestGossipLogLevels(t *testing.T) {
	var out lockedBuffer
	l := gossipLogger(plainLogger(&out))
	l.Printf("[ERR] memberlist: Conflicting address for %s", "x")
	l.Printf("[ERR] memberlist: Failed to read remote state: no key from=127.0.0.1:%d", 1)
	l.Printf("[ERR] memberlist: Failed to read remote state: no key from=127.0.0.1:%d", 2)
	l.Printf("[ERR] memberlist: Failed to send gossip to x: %v", net.ErrClosed)
	l.Printf("[WARN] memberlist: Refuting a suspect message")
	l.Printf("[DEBUG] memberlist: Stream connection")
	want := []string{
		`level=WARN msg="Conflicting address for x"`,
		`level=WARN msg="Failed to read remote state: no key from=127.0.0.1:1"`,
	}
	if diff := cmp.Diff(want, lines(&out)); diff != "" {
		t.Error(diff)
	}
}

func TestThrottleForgets(t *testing.T) {
	var th throttle
	for i := range 3 * throttleSize {
		if !th.first(fmt.Sprint(i)) {
			t.Fatalf("key %d was never seen", i)
		}
	}
	if len(th.keys) > throttleSize {
		t.Errorf("it holds %d keys", len(th.keys))
	}
}

func TestThrottleGrowsQuietAboutWhatLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var th throttle
		var said []time.Duration
		begin := time.Now()
		for range 5 * 60 * 60 {
			if th.first("down") {
				said = append(said, time.Since(begin))
			}
			<-time.After(time.Second)
		}
		if n := len(said); n < 10 || n > 15 || said[0] != 0 || said[1] != throttleEvery || said[n-1]-said[n-2] != throttleLimit {
			t.Errorf("in five hours it spoke at %v", said)
		}
		<-time.After(throttleEvery)
		if !th.first("down") {
			t.Error("what comes back after a pause is news")
		}
	})
}
