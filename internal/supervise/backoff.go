package supervise

import "time"

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
	healthy    = time.Minute // a worker that lived so long is owed a fresh start
)

// backoff is the pause before the next start.
type backoff struct{ next time.Duration }

// after returns the pause that follows a worker which lived for the given time:
// none, then 100 ms, doubling to 10 s.
func (b *backoff) after(lived time.Duration) time.Duration {
	if lived >= healthy {
		b.next = 0
	}
	pause := b.next
	b.next = min(max(2*pause, firstPause), lastPause)
	return pause
}
