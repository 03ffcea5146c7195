// Command api measures the REST API of a pair and a witness that sync every change to
// disk: `make bench-api`. It is for developers.
//
// The nodes run in a lab of network namespaces, with an administrator's token; requests
// come from the client's host. It judges nothing and belongs to no test: numbers depend
// on the machine. It needs root, and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	bin     string
	runs    int
	clients int
	spell   time.Duration
	big     int
}

func main() {
	var s settings
	flag.StringVar(&s.bin, "bin", "bin", "`directory` of amphorad and amphoractl")
	flag.IntVar(&s.runs, "runs", 100, "how often single requests are measured")
	flag.IntVar(&s.clients, "clients", 16, "clients that create at the same time")
	flag.DurationVar(&s.spell, "time", 10*time.Second, "for how long they create")
	flag.IntVar(&s.big, "big", 10000, "load balancers of the large configuration; 0: none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-api:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
	b, err := newBed(ctx, s.bin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	for _, measure := range []func(context.Context, *bed, settings) error{visible, creates, list, big} {
		if err := measure(ctx, b, s); err != nil {
			return err
		}
	}
	return nil
}

// visible measures from a POST to one node until every node shows the object.
func visible(ctx context.Context, b *bed, s settings) error {
	var posted, seen []time.Duration
	for i := range s.runs {
		begun := time.Now()
		id, err := b.nodes[i%len(b.nodes)].create(ctx, fmt.Sprintf("visible-%d", i))
		if err != nil {
			return err
		}
		posted = append(posted, time.Since(begun))
		for _, n := range b.nodes {
			if err := n.show(ctx, id); err != nil {
				return err
			}
		}
		seen = append(seen, time.Since(begun))
	}
	fmt.Printf("bench api visible: POST answered %s, shown by all three nodes %s (to reach: median 20 ms)\n", summary(posted), summary(seen))
	return nil
}

// creates measures how many load balancers several clients create in a second, each
// by way of a node of its own.
func creates(ctx context.Context, b *bed, s settings) error {
	type result struct {
		took []time.Duration
		err  error
	}
	results := make(chan result)
	begun := time.Now()
	for k := range s.clients {
		go func() {
			var r result
			for i := 0; time.Since(begun) < s.spell && r.err == nil; i++ {
				asked := time.Now()
				_, r.err = b.nodes[k%len(b.nodes)].create(ctx, fmt.Sprintf("create-%d-%d", k, i))
				r.took = append(r.took, time.Since(asked))
			}
			results <- r
		}()
	}
	var all []time.Duration
	var errs []error
	for range s.clients {
		r := <-results
		all, errs = append(all, r.took...), append(errs, r.err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fmt.Printf("bench api creates: %.0f a second with %d clients, each %s (to reach: 300 a second)\n",
		float64(len(all))/time.Since(begun).Seconds(), s.clients, summary(all))
	return nil
}

// list measures the list of 1,000 load balancers.
func list(ctx context.Context, b *bed, s settings) error {
	if err := b.fill(ctx, 1000, s.clients); err != nil {
		return err
	}
	var took []time.Duration
	for i := range s.runs {
		begun := time.Now()
		n, err := b.nodes[i%len(b.nodes)].list(ctx, 1000)
		if err != nil {
			return err
		}
		if n != 1000 {
			return fmt.Errorf("list of 1,000 load balancers has %d", n)
		}
		took = append(took, time.Since(begun))
	}
	fmt.Printf("bench api list: 1,000 load balancers in %s (to reach: 50 ms)\n", summary(took))
	return nil
}

// summary says what is typical and what is not.
func summary(took []time.Duration) string {
	slices.Sort(took)
	ms := func(i int) float64 { return float64(took[i].Microseconds()) / 1000 }
	return fmt.Sprintf("median %.1f ms, p99 %.1f ms", ms(len(took)/2), ms(len(took)*99/100))
}
