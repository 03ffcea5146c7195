package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// httpSmall compares amphorad with HAProxy on small requests over kept-alive
// connections, at saturation: 64 clients, 200 bytes each way.
func httpSmall(ctx context.Context, s settings) (string, any, error) {
	return versusHAProxy(ctx, s, false)
}

// httpSmallPinned is httpSmall without migrations between CPUs, but with a
// wake-up of another CPU in every step.
func httpSmallPinned(ctx context.Context, s settings) (string, any, error) {
	return versusHAProxy(ctx, s, true)
}

func versusHAProxy(ctx context.Context, s settings, pinned bool) (string, any, error) {
	c, err := contest(ctx, s, pinned, func(b *bed, members []string) (*contender, error) {
		return b.startAmphora(ctx, s.bin, members)
	})
	line := fmt.Sprintf("ours=%.1f haproxy=%.1f ratio_haproxy=%.3f spread=%.3f..%.3f disturbed=%d/%d",
		c.A, c.B, c.Ratio, c.RatioLow, c.RatioHigh, c.Disturbed, s.pairs)
	return line, c, err
}

// null compares HAProxy with itself. Its ratio should be 1 and its spread is
// the smallest difference that http-small can show.
func null(ctx context.Context, s settings) (string, any, error) {
	c, err := contest(ctx, s, false, func(b *bed, members []string) (*contender, error) {
		return b.startHAProxy(ctx, "twin", members)
	})
	line := fmt.Sprintf("haproxy=%.1f twin=%.1f ratio=%.3f spread=%.3f..%.3f disturbed=%d/%d",
		c.B, c.A, c.Ratio, c.RatioLow, c.RatioHigh, c.Disturbed, s.pairs)
	return line, c, err
}

// contest compares what start starts with HAProxy.
func contest(ctx context.Context, s settings, pinned bool, start func(*bed, []string) (*contender, error)) (c comparison, err error) {
	if err := needPrograms(ctx); err != nil {
		return c, err
	}
	b, err := makeBed(pinned)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	fmt.Println("#   in", b.description)
	self, err := os.Executable()
	if err != nil {
		return c, fmt.Errorf("find the bench itself: %w", err)
	}
	member, members, err := b.startMember(self)
	if err != nil {
		return c, err
	}
	first, err := start(b, members)
	if err != nil {
		return c, err
	}
	haproxy, err := b.startHAProxy(ctx, "haproxy", members)
	if err != nil {
		return c, err
	}
	c, err = compare(ctx, s, b, member, [2]*contender{first, haproxy})
	if version, e := exec.CommandContext(ctx, "haproxy", "-v").Output(); e == nil {
		c.Version, _, _ = strings.Cut(string(version), "\n")
	}
	return c, err
}
