package chaos

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	probeEvery   = 5 * time.Millisecond
	probeTimeout = 250 * time.Millisecond
)

// client sends requests from a host.
type client struct{ http *http.Client }

// newClient makes a client that opens a connection for each request, as so many
// separate users would.
func newClient(h *Host) *client {
	return &client{&http.Client{Transport: &http.Transport{DialContext: h.Dial, DisableKeepAlives: true}}}
}

// get returns the body of a 200 answer.
func (c *client) get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("answer %s", resp.Status)
	}
	return strings.TrimSpace(string(body)), err
}

// probe asks url over a new connection every probeEvery until ctx ends, whether
// or not earlier requests have been answered: a client that waits for an answer
// would not see how long there is none. It returns when all have ended.
func (c *client) probe(ctx context.Context, url string) History {
	var (
		mu      sync.Mutex
		history History // guarded by mu
		wg      sync.WaitGroup
	)
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			wg.Wait()
			return history.sorted()
		case <-tick.C:
		}
		wg.Go(func() {
			one, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
			defer cancel()
			sample := Sample{Sent: time.Now()}
			sample.From, sample.Err = c.get(one, url)
			sample.Ended = time.Now()
			mu.Lock()
			defer mu.Unlock()
			history = append(history, sample)
		})
	}
}

// download is what a user's browser does with a large file: it asks for all of
// it, and when the connection breaks it asks for the rest.
type download struct {
	Breaks   int           // connections that broke in the middle
	Hang     time.Duration // longest time without a byte, on a connection or between two
	Complete bool          // every byte arrived and is right
}

// fetch downloads url. progress is told the number of bytes after each read.
func (c *client) fetch(ctx context.Context, url string, progress func(int)) (download, error) {
	var d download
	sum := sha256.New()
	got, last := 0, time.Now()
	for got < blobSize {
		n, err := c.fetchFrom(ctx, url, got, func(part []byte) {
			sum.Write(part)
			d.Hang = max(d.Hang, time.Since(last))
			last = time.Now()
			got += len(part)
			progress(got)
		})
		switch {
		case ctx.Err() != nil:
			return d, fmt.Errorf("download %s: %d of %d bytes: %w", url, got, blobSize, ctx.Err())
		case err != nil && n > 0:
			d.Breaks++
		case err != nil:
			pause(ctx, 20*time.Millisecond)
		}
	}
	d.Complete = got == blobSize && [32]byte(sum.Sum(nil)) == sha256.Sum256(Blob())
	return d, nil
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// fetchFrom downloads from an offset until the end or the first error. A stream
// without a byte for a second counts as broken: a user would press reload.
func (c *client) fetchFrom(ctx context.Context, url string, from int, take func([]byte)) (n int, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(time.Second, func() { cancel(errors.New("no byte for a second")) })
	defer watchdog.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusPartialContent {
		return 0, fmt.Errorf("answer %s", resp.Status)
	}
	buf := make([]byte, 64<<10)
	for {
		k, err := resp.Body.Read(buf)
		if k > 0 {
			watchdog.Reset(time.Second)
			take(buf[:k])
			n += k
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
