package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// blobSize is the size of the download, blobRate how many bytes of it a web
// server sends in a second, so that there is a middle to be killed in.
const (
	blobSize = 8 << 20
	blobRate = 4 << 20
)

// webServer is a member: it answers / with its own name and /blob with a large
// file that is the same on every member and can be resumed by Range.
type webServer struct {
	http.Server
	done chan error
}

// startWeb serves on port 80 of the host.
func startWeb(h *Host) (*webServer, error) {
	ln, err := h.Listen(80)
	if err != nil {
		return nil, fmt.Errorf("start web server on %s: %w", h.Name, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, h.Name) // the client that left needs no answer
	})
	mux.HandleFunc("GET /blob", func(w http.ResponseWriter, r *http.Request) {
		paced := &pacedReader{ReadSeeker: bytes.NewReader(Blob()), ctx: r.Context()}
		http.ServeContent(w, r, "blob", time.Time{}, paced)
	})
	s := &webServer{Server: http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, done: make(chan error, 1)}
	go func(ln net.Listener) { s.done <- s.Serve(ln) }(ln)
	return s, nil
}

// stop closes every connection and waits for the server to end.
func (s *webServer) stop() error {
	err := s.Close()
	if serveErr := <-s.done; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}

// Blob makes the file that web servers have at /blob: noise that every call makes the
// same.
func Blob() []byte {
	b := make([]byte, blobSize)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}

// pacedReader reads at blobRate.
type pacedReader struct {
	io.ReadSeeker
	ctx context.Context
}

func (p *pacedReader) Read(b []byte) (int, error) {
	const slice = 20 * time.Millisecond
	timer := time.NewTimer(slice)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
		return 0, p.ctx.Err()
	}
	return p.ReadSeeker.Read(b[:min(len(b), int(blobRate*slice/time.Second))])
}
