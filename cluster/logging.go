package cluster

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// raftLogger writes what raft says to a slog.Logger. raft reports each step of an
// election as Info; the lines that operators need are written by this package, so
// Info becomes Debug.
type raftLogger struct {
	logger *slog.Logger
	name   string
	args   []any
}

var _ hclog.Logger = (*raftLogger)(nil)

func slogLevel(level hclog.Level) slog.Level {
	switch level {
	case hclog.Error:
		return slog.LevelError
	case hclog.Warn:
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}

func (l *raftLogger) Log(level hclog.Level, msg string, args ...any) {
	at := slogLevel(level)
	ctx := context.Background()
	if !l.logger.Enabled(ctx, at) {
		return
	}
	attrs := make([]any, 0, len(args))
	for _, arg := range args {
		// hclog.Fmt values are formatted by the sink.
		if f, ok := arg.(hclog.Format); ok && len(f) > 0 {
			arg = slog.AnyValue(f[1:])
		}
		attrs = append(attrs, arg)
	}
	l.logger.Log(ctx, at, msg, attrs...)
}

func (l *raftLogger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }
func (l *raftLogger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }
func (l *raftLogger) Info(msg string, args ...any)  { l.Log(hclog.Info, msg, args...) }
func (l *raftLogger) Warn(msg string, args ...any)  { l.Log(hclog.Warn, msg, args...) }
func (l *raftLogger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

func (l *raftLogger) enabled(level hclog.Level) bool {
	return l.logger.Enabled(context.Background(), slogLevel(level))
}

func (l *raftLogger) IsTrace() bool { return l.enabled(hclog.Trace) }
func (l *raftLogger) IsDebug() bool { return l.enabled(hclog.Debug) }
func (l *raftLogger) IsInfo() bool  { return l.enabled(hclog.Info) }
func (l *raftLogger) IsWarn() bool  { return l.enabled(hclog.Warn) }
func (l *raftLogger) IsError() bool { return l.enabled(hclog.Error) }

func (l *raftLogger) ImpliedArgs() []any { return l.args }

func (l *raftLogger) With(args ...any) hclog.Logger {
	return &raftLogger{logger: l.logger.With(args...), name: l.name, args: append(l.args[:len(l.args):len(l.args)], args...)}
}

func (l *raftLogger) Name() string { return l.name }

func (l *raftLogger) Named(name string) hclog.Logger { return l.ResetNamed(name) }

func (l *raftLogger) ResetNamed(name string) hclog.Logger {
	return &raftLogger{logger: l.logger, name: name, args: l.args}
}

func (l *raftLogger) SetLevel(hclog.Level) {} // the level is the slog handler's business

func (l *raftLogger) GetLevel() hclog.Level {
	for _, level := range []hclog.Level{hclog.Debug, hclog.Warn} {
		if l.enabled(level) {
			return level
		}
	}
	return hclog.Error
}

func (l *raftLogger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(nil), "", 0)
}

func (l *raftLogger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer {
	return prefixWriter{l.logger}
}

// gossipLogger returns the logger that memberlist writes to.
func gossipLogger(logger *slog.Logger) *log.Logger {
	return log.New(prefixWriter{logger}, "", 0)
}

// prefixWriter turns lines such as "[WARN] memberlist: text" into log records.
// memberlist reports every probe that fails as an error; to this package gossip
// is a hint, so its levels are lowered by one.
type prefixWriter struct{ logger *slog.Logger }

func (w prefixWriter) Write(line []byte) (int, error) {
	text := bytes.TrimSpace(line)
	level := slog.LevelDebug
	if prefix, rest, ok := bytes.Cut(text, []byte("] ")); ok && bytes.HasPrefix(prefix, []byte("[")) {
		text = rest
		if name := string(prefix[1:]); name == "ERR" || name == "ERROR" {
			level = slog.LevelWarn
		}
	}
	w.logger.Log(context.Background(), level, string(bytes.TrimPrefix(text, []byte("memberlist: "))))
	return len(line), nil
}
