package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

const (
	// clientEvery is between two requests, and so what a gap can be told from none.
	clientEvery = 5 * time.Millisecond
	// clientLimit is how long the client waits for an answer: beyond the first
	// retry of a SYN, which Linux sends after one second, so that a connection that
	// the hole has delayed is told from one that it has cost.
	clientLimit = 2 * time.Second
)

// runClient asks target over a new connection once in every until ctx ends,
// whether or not earlier requests have been answered: one that waits would not
// see how long there is no answer. It prints a line for each request when it has
// ended: when it was sent, when it ended (see now), and what came of it.
func runClient(ctx context.Context, target string, every time.Duration, out io.Writer) error {
	var (
		mu sync.Mutex // guards out
		wg sync.WaitGroup
	)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			wg.Wait()
			return nil
		case <-tick.C:
		}
		wg.Go(func() {
			a := attempt{Sent: now()}
			err := ask(target)
			a.Ended, a.Outcome = now(), outcomeOf(err)
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintln(out, a)
		})
	}
}

// ask makes one request over a connection of its own and reads the answer to its
// end.
func ask(target string) error {
	deadline := time.Now().Add(clientLimit)
	conn, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", target)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", target); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// outcomeOf is one word for what came of a request.
func outcomeOf(err error) string {
	var timeout net.Error
	switch {
	case err == nil:
		return answered
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "cut"
	default:
		return "failed"
	}
}
