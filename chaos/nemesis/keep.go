package nemesis

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/amphora-lb/amphora/chaos/check"
)

// keep writes what was recorded into a directory, for people.
func (r *run) keep(v Verdict, broke error) error {
	if r.Keep == "" {
		return nil
	}
	if err := os.MkdirAll(r.Keep, 0o755); err != nil {
		return fmt.Errorf("keep what was recorded: %w", err)
	}
	var errs []error
	write := func(name, text string) {
		errs = append(errs, os.WriteFile(filepath.Join(r.Keep, name), []byte(text), 0o644))
	}
	asJSON := func(name string, value any) {
		text, err := json.MarshalIndent(value, "", " ")
		errs = append(errs, err)
		write(name, string(text))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v\nprofile %s\n", v, r.profile.name)
	if broke != nil {
		fmt.Fprintf(&b, "broke off: %v\n", broke)
	}
	for _, bad := range v.Bad {
		fmt.Fprintln(&b, bad)
	}
	write("verdict.txt", b.String())

	journals, _, _ := r.journals.all()
	asJSON("windows.json", r.windows)
	asJSON("journals.json", journals)
	asJSON("gates.json", check.Timeline(journals))
	asJSON("operations.json", r.writing.ops)
	asJSON("streams.json", r.streaming.streams)
	b.Reset()
	for _, s := range r.history {
		fmt.Fprintf(&b, "%s %s %s %v\n", s.Sent.Format("15:04:05.000"), s.Ended.Format("15:04:05.000"), s.From, s.Err)
	}
	write("requests.txt", b.String())
	if r.sniffer != nil {
		b.Reset()
		frames, _ := r.sniffer.Frames()
		for _, f := range frames {
			fmt.Fprintf(&b, "%v %s %x %s %v %d\n", f.At, f.Node, f.MAC, f.VIP, f.Kind, f.Round)
		}
		write("frames.txt", b.String())
	}
	return errors.Join(append(errs, r.cluster.SaveLogs(r.Keep))...)
}
