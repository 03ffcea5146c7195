package proxy

import (
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/proxy/tlsx"
)

// lookForName looks for the server name in what a client sends through, for the log. The
// connection does not wait for it: the bytes are on their way, whatever they are.
func (x *session) lookForName() func(p []byte) bool {
	var seen []byte // of a hello that comes in pieces
	return func(p []byte) bool {
		if seen != nil {
			seen = append(seen, p...)
			p = seen
		}
		name, more := tlsx.ServerName(p)
		if more {
			if seen == nil {
				seen = append(seen, p...)
			}
			return false
		}
		x.sni = name
		x.engine.log.Debug("TLS passes through", logkey.Listener, x.snap.listener, logkey.Addr, x.from, "sni", name)
		return true
	}
}
