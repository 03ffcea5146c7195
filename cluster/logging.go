package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"slices"

	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// raftLogger writes what raft says to a slog.Logger. raft reports each step of an
// election as Info; the lines that operators need are written by this package, so
// Info becomes Debug. What raft calls an error it tries again, so it is a warning,
// and one that repeats itself for the same peer goes to Debug as well.
type raftLogger struct {
	logger *slog.Logger
	name   string
	args   []any
	seen   *throttle
}

func newRaftLogger(logger *slog.Logger, part string, seen *throttle) *raftLogger {
	return &raftLogger{logger: logger.With(logkey.Component, part), name: part, seen: seen}
}

// about is what a message is about: its first argument if that names a node.
func about(args []any) string {
	if len(args) < 2 {
		return ""
	}
	switch a := args[1].(type) {
	case string, raft.ServerID, raft.ServerAddress, raft.Server:
		return fmt.Sprint(a)
	}
	return ""
}

// closedByUs is true for the errors with which raft's calls end at our own stop.
func closedByUs(args []any) bool {
	return slices.ContainsFunc(args, func(arg any) bool {
		err, ok := arg.(error)
		return ok && (errors.Is(err, net.ErrClosed) || errors.Is(err, raft.ErrTransportShutdown))
	})
}

var _ hclog.Logger = (*raftLogger)(nil)

func slogLevel(level hclog.Level) slog.Level {
	switch level {
	case hclog.Error, hclog.Warn:
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}

// Log writes one record.
func (l *raftLogger) Log(level hclog.Level, msg string, args ...any) {
	at := slogLevel(level)
	if at > slog.LevelDebug && (closedByUs(args) || !l.seen.first(msg+about(args))) {
		at = slog.LevelDebug
	}
	ctx := context.Background()
	if !l.logger.Enabled(ctx, at) {
		return
	}
	attrs := make([]any, 0, len(args))
	for _, arg := range args {
		switch a := arg.(type) {
		case hclog.Format: // to be formatted by the sink
			if format, ok := a[0].(string); ok {
				arg = fmt.Sprintf(format, a[1:]...)
			}
		case raft.Server:
			arg = string(a.Address)
		}
		attrs = append(attrs, arg)
	}
	l.logger.Log(ctx, at, msg, attrs...)
}

// Trace logs at Debug.
func (l *raftLogger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }

// Debug logs at Debug.
func (l *raftLogger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }

// Info logs at Debug.
func (l *raftLogger) Info(msg string, args ...any) { l.Log(hclog.Info, msg, args...) }

// Warn logs at Warn.
func (l *raftLogger) Warn(msg string, args ...any) { l.Log(hclog.Warn, msg, args...) }

// Error logs at Warn.
func (l *raftLogger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

func (l *raftLogger) enabled(level hclog.Level) bool {
	return l.logger.Enabled(context.Background(), slogLevel(level))
}

// IsTrace tells whether Trace writes.
func (l *raftLogger) IsTrace() bool { return l.enabled(hclog.Trace) }

// IsDebug tells whether Debug writes.
func (l *raftLogger) IsDebug() bool { return l.enabled(hclog.Debug) }

// IsInfo tells whether Info writes.
func (l *raftLogger) IsInfo() bool { return l.enabled(hclog.Info) }

// IsWarn tells whether Warn writes.
func (l *raftLogger) IsWarn() bool { return l.enabled(hclog.Warn) }

// IsError tells whether Error writes.
func (l *raftLogger) IsError() bool { return l.enabled(hclog.Error) }

// ImpliedArgs are the arguments given to With.
func (l *raftLogger) ImpliedArgs() []any { return l.args }

// With adds arguments to every record.
func (l *raftLogger) With(args ...any) hclog.Logger {
	return &raftLogger{logger: l.logger.With(args...), name: l.name, seen: l.seen, args: append(l.args[:len(l.args):len(l.args)], args...)}
}

// Name is the part of raft that logs.
func (l *raftLogger) Name() string { return l.name }

// Named is ResetNamed: the parts of raft are not nested.
func (l *raftLogger) Named(name string) hclog.Logger { return l.ResetNamed(name) }

// ResetNamed returns the logger of another part.
func (l *raftLogger) ResetNamed(name string) hclog.Logger {
	return &raftLogger{logger: l.logger, name: name, args: l.args, seen: l.seen}
}

// SetLevel does nothing: the level is the slog handler's business.
func (l *raftLogger) SetLevel(hclog.Level) {}

// GetLevel is the lowest level that is written.
func (l *raftLogger) GetLevel() hclog.Level {
	for _, level := range []hclog.Level{hclog.Debug, hclog.Warn} {
		if l.enabled(level) {
			return level
		}
	}
	return hclog.Error
}

// StandardLogger returns a logger that writes here.
func (l *raftLogger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(nil), "", 0)
}

// StandardWriter returns a writer whose lines are logged here.
func (l *raftLogger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer {
	return prefixWriter{logger: l.logger, seen: l.seen}
}

// gossipLogger returns the logger that memberlist writes to.
func gossipLogger(logger *slog.Logger) *log.Logger {
	return log.New(prefixWriter{logger: logger, seen: &throttle{}}, "", 0)
}

// prefixWriter turns lines such as "[WARN] memberlist: text" into log records.
// memberlist reports every probe that fails as an error; to this package gossip
// is a hint, so its levels are lowered by one. What it repeats goes to Debug: a
// stranger with another key is refused at each of his attempts.
type prefixWriter struct {
	logger *slog.Logger
	seen   *throttle
}

// Write logs one line.
func (w prefixWriter) Write(line []byte) (int, error) {
	text := bytes.TrimSpace(line)
	level := slog.LevelDebug
	if prefix, rest, ok := bytes.Cut(text, []byte("] ")); ok && bytes.HasPrefix(prefix, []byte("[")) {
		text = rest
		if name := string(prefix[1:]); name == "ERR" || name == "ERROR" {
			// What follows the second colon are errors and ports, different each time.
			kind, _, _ := bytes.Cut(bytes.TrimPrefix(rest, []byte("memberlist: ")), []byte(":"))
			if !bytes.Contains(rest, []byte(net.ErrClosed.Error())) && w.seen.first(string(kind)) {
				level = slog.LevelWarn
			}
		}
	}
	w.logger.Log(context.Background(), level, string(bytes.TrimPrefix(text, []byte("memberlist: "))))
	return len(line), nil
}
