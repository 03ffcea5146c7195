package flowlog

import "context"

// journalSocket is where journald listens (systemd.journal-fields(7), "Journal Native
// Protocol").
const journalSocket = "/run/systemd/journal/socket"

// Journald is the journal of this host. Lines have the identifier Tag.
type Journald struct {
	link
	tag string
}

// NewJournald returns the journal of this host as a target.
func NewJournald(tag string) *Journald {
	return &Journald{link: link{network: "unixgram", addr: journalSocket}, tag: tag}
}

// Write implements Target.
func (t *Journald) Write(ctx context.Context, lines []byte) (int, error) {
	return t.each(ctx, lines, func(b, line []byte) []byte {
		b = append(b, "PRIORITY=6\nSYSLOG_IDENTIFIER="...)
		b = append(b, t.tag...)
		b = append(b, "\nMESSAGE="...)
		b = append(b, line...)
		return append(b, '\n')
	})
}

func (t *Journald) String() string { return "journald:" }
