package sim

import (
	"fmt"
	"time"
)

// trace keeps the last events, unformatted: most runs never print them.
type trace struct {
	ring [200]line
	n    int
}

type line struct {
	at     at
	host   string
	format string
	args   [4]any
}

func (w *World) note(host string, format string, args ...any) {
	l := &w.trace.ring[w.trace.n%len(w.trace.ring)]
	*l = line{at: w.now, host: host, format: format}
	copy(l.args[:], args)
	w.trace.n++
}

func (t *trace) lines() []string {
	var out []string
	for i := max(0, t.n-len(t.ring)); i < t.n; i++ {
		l := t.ring[i%len(t.ring)]
		args := l.args[:]
		for len(args) > 0 && args[len(args)-1] == nil {
			args = args[:len(args)-1]
		}
		out = append(out, fmt.Sprintf("%14v %-3s %s", time.Duration(l.at), l.host, fmt.Sprintf(l.format, args...)))
	}
	return out
}
