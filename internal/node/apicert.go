package node

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// reloaded is a certificate that follows its files, as they are renewed while the node
// runs.
type reloaded struct {
	cert, key string

	mu   sync.Mutex
	last *tls.Certificate // guarded by mu
	at   [2]time.Time     // guarded by mu; when the files were changed
}

// get has the form of tls.Config.GetCertificate. While the files are being renewed, or when
// they have become useless, the last certificate that worked stays.
func (r *reloaded) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var at [2]time.Time
	for i, path := range []string{r.cert, r.key} {
		if info, err := os.Stat(path); err == nil {
			at[i] = info.ModTime()
		}
	}
	if r.last != nil && at == r.at {
		return r.last, nil
	}
	pair, err := tls.LoadX509KeyPair(r.cert, r.key)
	if err != nil {
		if r.last != nil {
			return r.last, nil
		}
		return nil, fmt.Errorf("api.tls_cert: %w", err)
	}
	r.last, r.at = &pair, at
	return r.last, nil
}
