package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// changesBefore is how many changes the node of start has in its log.
const changesBefore = 2000

// start kills a node and measures the time from exec to the first answer of a
// member through it.
func start(ctx context.Context, s settings) (line string, detail any, err error) {
	d, err := makeDevBed(ctx, s)
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.begin(s.bin); err != nil {
		return "", nil, err
	}
	client, err := dialAdmin(ctx, d.socket(), d.node)
	if err != nil {
		return "", nil, err
	}
	for i := range changesBefore {
		if _, err := client.Members.Update(ctx, string(d.ids[i%len(d.ids)]), lb.MemberSpec{Weight: lb.Some(1 + i%9)}); err != nil {
			return "", nil, errors.Join(fmt.Errorf("change a member: %w", err), client.Close())
		}
	}
	if err := client.Close(); err != nil {
		return "", nil, err
	}
	var times []float64
	for range s.pairs {
		if err := d.node.cmd.Process.Kill(); err != nil {
			return "", nil, fmt.Errorf("kill amphorad: %w", err)
		}
		<-d.node.done
		begin := time.Now()
		if err := d.begin(s.bin); err != nil {
			return "", nil, err
		}
		ms := float64(time.Since(begin).Microseconds()) / 1000
		fmt.Printf("#   %.0f ms\n", ms)
		times = append(times, ms)
	}
	low, high := bootstrap(times)
	return fmt.Sprintf("ms=%.0f spread=%.0f..%.0f limit=1000", median(times), low, high), times, nil
}

// rss reads the memory of a node some time after it has served a few requests.
func rss(ctx context.Context, s settings) (line string, detail any, err error) {
	d, err := makeDevBed(ctx, s)
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.begin(s.bin); err != nil {
		return "", nil, err
	}
	if err := pause(ctx, s.seconds); err != nil {
		return "", nil, err
	}
	path := fmt.Sprintf("/proc/%d/status", d.node.pid())
	status, err := os.ReadFile(path)
	if err != nil {
		return "", nil, fmt.Errorf("read memory of amphorad: %w", err)
	}
	kb := make(map[string]int)
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		if strings.HasPrefix(name, "VmRSS") || strings.HasPrefix(name, "VmHWM") || strings.HasPrefix(name, "Rss") {
			if kb[name], err = strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB")); err != nil {
				return "", nil, fmt.Errorf("read %s: %w", path, err)
			}
		}
	}
	return fmt.Sprintf("mb=%.1f anonymous=%.1f limit=60", float64(kb["VmRSS"])/1024, float64(kb["RssAnon"])/1024), kb, nil
}

// devBed is a bed with a member and one node in development mode that is
// configured and keeps its data.
type devBed struct {
	*bed
	data string
	addr string // of the listener
	node *process
	ids  []lb.MemberID
}

func makeDevBed(ctx context.Context, s settings) (_ *devBed, err error) {
	b, err := makeBed(false)
	if err != nil {
		return nil, err
	}
	d := &devBed{bed: b}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.data, err = os.MkdirTemp(s.out, "data-"); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the bench itself: %w", err)
	}
	_, members, err := b.startMember(self)
	if err != nil {
		return nil, err
	}
	port, err := b.port(b.proxy, b.proxyAddr)
	if err != nil {
		return nil, err
	}
	d.addr = fmt.Sprintf("%s:%d", b.proxyAddr, port)
	node, client, err := b.startDev(ctx, s.bin, d.data)
	if err != nil {
		return nil, err
	}
	if d.ids, err = configure(ctx, client, int(port), members); err != nil {
		return nil, errors.Join(fmt.Errorf("configure amphorad: %w", err), client.Close())
	}
	return d, errors.Join(client.Close(), b.stop(node))
}

// begin starts the node and waits for an answer through it.
func (d *devBed) begin(bin string) (err error) {
	if d.node, err = d.startNode(bin, d.data); err != nil {
		return err
	}
	return d.awaitAnswer(d.client, d.addr, d.node)
}

func (d *devBed) close() error { return errors.Join(d.bed.close(), os.RemoveAll(d.data)) }

// pause lets time pass.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
