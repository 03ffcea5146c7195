package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"syscall"
	"time"

	"github.com/amphora-lb/amphora/chaos"
)

// inject does to the host named what f says.
func (p *peerPair) inject(ctx context.Context, f *fault, victim string) error {
	h, err := p.host(victim)
	if err != nil {
		return err
	}
	switch f {
	case nothing:
		return nil
	case killWorker:
		if err := h.haproxy.signal(syscall.SIGKILL); err != nil {
			return err
		}
		if p.kind.restart > 0 {
			h.restarted = make(chan error, 1)
			go func() {
				<-h.haproxy.done
				<-time.After(p.kind.restart)
				h.restarted <- p.startHAProxy(h)
			}()
		}
		return nil
	case stopWorker:
		return errors.Join(h.haproxy.signal(syscall.SIGSTOP), h.signalVRRP(syscall.SIGSTOP))
	case killAll:
		// The parent is stopped first: it would end or start again its child.
		return errors.Join(h.keepalived.signal(syscall.SIGSTOP), h.signalVRRP(syscall.SIGKILL), h.haproxy.signal(syscall.SIGKILL))
	case linkDown:
		p.cut = chaos.CutCable(h.Host)
		return p.lab.Inject(ctx, p.cut)
	case planned:
		return h.keepalived.signal(syscall.SIGTERM)
	}
	return fmt.Errorf("%s knows no fault %s", p.kind.name, f.key)
}

// heal undoes it as an operator would.
func (p *peerPair) heal(ctx context.Context, f *fault, victim string) error {
	h, err := p.host(victim)
	if err != nil {
		return err
	}
	switch f {
	case nothing:
		return nil
	case stopWorker:
		return errors.Join(h.haproxy.signal(syscall.SIGCONT), h.signalVRRP(syscall.SIGCONT))
	case linkDown:
		return p.lab.Mend(ctx, p.cut)
	}
	if h.restarted != nil {
		err := <-h.restarted
		h.restarted = nil
		return err
	}
	if f != planned { // it was killed, and has ended by now
		if err := h.haproxy.ended(ctx); err != nil {
			return err
		}
		if err := p.startHAProxy(h); err != nil {
			return err
		}
	}
	if f != killWorker {
		if err := h.keepalived.ended(ctx); err != nil {
			return err
		}
		return p.startKeepalived(h)
	}
	return nil
}

// moves reports whether f takes the VIP to the other host.
func (p *peerPair) moves(f *fault) bool {
	return f != nothing && (f != killWorker || p.kind.restart == 0)
}

func (p *peerPair) period(f *fault) time.Duration {
	if f == killWorker {
		return p.kind.check
	}
	return p.kind.advert
}

func (p *peerPair) host(name string) (*peerHost, error) {
	for _, h := range p.pair {
		if h.Name == name {
			return h, nil
		}
	}
	return nil, fmt.Errorf("%s has no host %s", p.kind.name, name)
}

var (
	vrrpEntered = regexp.MustCompile(`\(lb\) Entering (\w+) STATE`)
	vrrpChecked = regexp.MustCompile(`VRRP_Script\(check_script\) (\w+)`)
)

// vrrpState reads keepalived's log: the state that VRRP entered last, and
// whether the check passed last.
func vrrpState(log string) (state string, checked bool) {
	if m := vrrpEntered.FindAllStringSubmatch(log, -1); m != nil {
		state = m[len(m)-1][1]
	}
	if m := vrrpChecked.FindAllStringSubmatch(log, -1); m != nil {
		checked = m[len(m)-1][1] == "succeeded"
	}
	return state, checked
}

// report has nothing to say: keepalived measures no failover.
func (p *peerPair) report(context.Context) (*takeover, error) { return nil, nil }
