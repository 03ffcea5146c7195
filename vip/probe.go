package vip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/amphora-lb/amphora/internal/logkey"
)

// Occupancy probes, as RFC 5227, section 2.1.1, has them, but for their spacing: the
// one who would answer is a host on the same segment and not a stranger who has
// just been plugged in.
const (
	searchProbes = 3
	searchPause  = 20 * time.Millisecond
	// searchVIPs is how many VIPs are looked for. They move as one, so that a few
	// stand for all.
	searchVIPs = 8
)

const (
	// answerTime is what a host on the link needs at most to answer.
	answerTime = 50 * time.Millisecond
	// maxWaiting bounds the questions to one target that are remembered.
	maxWaiting = 64
	// maxMissed is how many answers may be out before everybody is asked.
	maxMissed = 3
)

// wait is a question that was sent and not answered.
type wait struct {
	from     netip.Addr // who asked
	sent     time.Time
	answered func() // does not block; called with the lock held
}

// search is an occupancy probe that runs.
type search struct {
	vips, peers map[netip.Addr]bool
	found       chan struct{} // one signal: somebody has a VIP
	peer        bool          // the other amphora answered; guarded as searches are
}

// Probe asks the gateways and tie-breakers once. network says that one of them
// answered this very question before ctx ended, so that the time of the call is a
// lower bound of when the network was there; Probe returns as soon as that is
// known. Without carrier it is false at once.
//
// With occupancy Probe also asks, three times in 60 ms, whether somebody else has a
// VIP, and whether the host of the other amphora answers for itself: that is no reason
// not to claim, since a kernel does so whose amphora is dead. Any frame in which one
// of those addresses is claimed counts. When that could not be asked to the end,
// network is false: a VIP that was not looked for does not count as free.
//
// It needs Run, and may be called from several goroutines at once.
func (p *Prober) Probe(ctx context.Context, occupancy bool) (network, occupied, peer bool) {
	var g sync.WaitGroup
	defer g.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answered := make(chan struct{}, 1)
	down, forget, ok := p.askAll(func() { signal(answered) })
	defer forget()
	if !ok {
		return false, false, false
	}
	var searched chan found
	if occupancy {
		searched = make(chan found, 1)
		g.Go(func() { searched <- p.search(ctx) })
	}
	for !network || searched != nil {
		select {
		case <-answered:
			network = true
		case f := <-searched:
			switch f.verdict {
			case taken:
				return network, true, f.peer
			case unknown:
				return false, false, false
			}
			searched, peer = nil, f.peer
		case <-down:
			return false, false, false
		case <-ctx.Done():
			return network && searched == nil, false, false
		}
	}
	return true, false, peer
}

// askAll sends a question to every target and calls answered for each answer, until
// forget. down is closed when the link goes.
func (p *Prober) askAll(answered func()) (down <-chan struct{}, forget func(), ok bool) {
	var frames [][]byte
	waits := map[netip.Addr]*wait{}
	var far []netip.Addr

	p.mu.Lock()
	out, pinger, down := p.port, p.pinger, p.down
	ok = out != nil && p.link.up
	if ok {
		targets := slices.Clone(p.gateways)
		for _, addr := range p.cfg.TieBreakers {
			if p.onLinkLocked(addr) {
				targets = append(targets, addr)
			} else {
				far = append(far, addr)
			}
		}
		for _, addr := range targets {
			frame, w, err := p.questionLocked(addr, answered)
			if err != nil || waits[addr] != nil {
				continue
			}
			frames = append(frames, frame)
			waits[addr] = w
			all := append(p.waiting[addr], w)
			p.waiting[addr] = all[max(0, len(all)-maxWaiting):]
		}
	}
	p.mu.Unlock()

	var forgets []func()
	if ok {
		_, _, err := out.send(frames)
		for _, addr := range far {
			if pinger == nil {
				break
			}
			f, e := pinger.ping(addr, answered)
			err = errors.Join(err, e)
			if e == nil {
				forgets = append(forgets, f)
			}
		}
		if err != nil {
			p.cfg.Logger.Debug("probe not sent", logkey.Iface, p.cfg.Interface, logkey.Err, err)
		}
	}
	return down, func() {
		p.forget(waits)
		for _, f := range forgets {
			f()
		}
	}, ok
}

// questionLocked builds the frame that asks for addr. It goes to where the last
// answer came from, and to everybody while answers are out.
func (p *Prober) questionLocked(addr netip.Addr, answered func()) ([]byte, *wait, error) {
	from := p.senderLocked(addr)
	if from.Is6() && from.IsUnspecified() {
		return nil, nil, errors.New("no IPv6 address to ask from") // and none to be answered at
	}
	var to net.HardwareAddr
	if mac, ok := p.macs[addr]; ok && len(p.waiting[addr]) < maxMissed {
		to = mac[:]
	}
	frame, err := questionFrame(from, p.link.hardwareAddr(), addr, to)
	return frame, &wait{from, time.Now(), answered}, err
}

// forget gives up the questions that are not answered yet. They stay in the line,
// so that a late answer to one of them is not taken for that to another.
func (p *Prober) forget(waits map[netip.Addr]*wait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range waits {
		w.answered = func() {}
	}
}

// hear is called for everything that the link says.
//
// An ARP reply does not say which question it answers. It counts for the oldest
// that may still be answered, so that the evidence is dated too early rather than
// too late.
func (p *Prober) hear(c claim) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if waits := p.waiting[c.addr]; c.reply && len(waits) > 0 && waits[0].from == c.to {
		for len(waits) > 1 && time.Since(waits[0].sent) > answerTime {
			waits = waits[1:]
		}
		waits[0].answered()
		p.waiting[c.addr] = waits[1:]
		p.macs[c.addr] = c.mac
	}
	if c.mac == p.link.mac {
		return
	}
	for s := range p.searches {
		if s.vips[c.addr] {
			signal(s.found)
		}
		s.peer = s.peer || s.peers[c.addr]
	}
}

// verdict is what a search came to.
type verdict int

const (
	unknown verdict = iota
	vacant
	taken
)

// found is what a search found: the verdict on the VIPs, and whether the other
// amphora's host answered.
type found struct {
	verdict verdict
	peer    bool
}

// search looks for somebody else who has a VIP, and for the other amphora.
func (p *Prober) search(ctx context.Context) (f found) {
	s := &search{vips: map[netip.Addr]bool{}, peers: map[netip.Addr]bool{}, found: make(chan struct{}, 1)}
	var frames [][]byte
	p.mu.Lock()
	out := p.port
	wanted := sample(p.vips, searchVIPs)
	for i, addr := range slices.Concat(wanted, p.peers) {
		frame, err := probeFrame(addr, p.link.hardwareAddr())
		if err != nil {
			p.mu.Unlock()
			return found{verdict: unknown}
		}
		if i < len(wanted) {
			s.vips[addr] = true
		} else {
			s.peers[addr] = true
		}
		frames = append(frames, frame)
	}
	p.searches[s] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.searches, s)
		f.peer = s.peer
	}()
	if out == nil {
		return found{verdict: unknown}
	}
	pause := time.NewTicker(searchPause)
	defer pause.Stop()
	for range searchProbes {
		if _, dropped, err := out.send(frames); err != nil || dropped > 0 {
			return found{verdict: unknown}
		}
		select {
		case <-s.found:
			return found{verdict: taken}
		case <-pause.C:
		case <-ctx.Done():
			return found{verdict: unknown}
		}
	}
	// An answer may have come and not been heard yet, because this host is busy.
	late := time.NewTicker(time.Millisecond)
	defer late.Stop()
	for {
		ok, err := out.caughtUp()
		switch {
		case err != nil:
			return found{verdict: unknown}
		case ok && len(s.found) > 0:
			return found{verdict: taken}
		case ok:
			return found{verdict: vacant}
		}
		select {
		case <-late.C:
		case <-ctx.Done():
			return found{verdict: unknown}
		}
	}
}
