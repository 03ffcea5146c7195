package octavia

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/rpc/access"
)

// MaxWait is how long a call may wait for a change.
const MaxWait = 60 * time.Second

// lookEvery is how often those who wait look at statuses, which may change without a
// change of the configuration.
const lookEvery = time.Second

// cursor is a place in what changes: after a revision, or after an entry of a journal.
type cursor struct {
	revision uint64
	epoch    string // "": there is no place
	place    uint64
}

func (c cursor) String() string {
	return strconv.FormatUint(c.revision, 10) + "-" + c.epoch + "-" + strconv.FormatUint(c.place, 10)
}

// parseCursor reads a revision, or what an earlier answer gave as next.
func parseCursor(s string) (cursor, error) {
	parts := strings.Split(s, "-")
	revision, err := strconv.ParseUint(parts[0], 10, 64)
	if err != nil || len(parts) != 1 && len(parts) != 3 {
		return cursor{}, badRequest("'%s' is not a valid option for after: give a revision, or what an earlier answer gave as next", s)
	}
	c := cursor{revision: revision}
	if len(parts) == 3 {
		c.epoch = parts[1]
		if c.place, err = strconv.ParseUint(parts[2], 10, 64); err != nil {
			return cursor{}, badRequest("'%s' is not a valid option for after: give a revision, or what an earlier answer gave as next", s)
		}
	}
	return c, nil
}

// since returns the entries after a place. Reset says that some are missing, so that the
// client has to list anew. Next is the place behind them.
func (j *journal) since(after cursor) (entries []entry, next cursor, reset bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	next = cursor{j.cfg.Revision(), j.epoch, j.last}
	from := 0
	switch {
	case after.epoch == j.epoch:
		if len(j.entries) > 0 && after.place+1 < j.entries[0].place {
			return nil, next, true
		}
		for from < len(j.entries) && j.entries[from].place <= after.place {
			from++
		}
		return append([]entry(nil), j.entries[from:]...), next, false
	case after.revision < j.base:
		return nil, next, true
	}
	for _, e := range j.entries {
		if e.revision > after.revision {
			entries = append(entries, e)
		}
	}
	return entries, next, false
}

var entryAttributes = []attribute[entry]{
	{"event", func(e entry) any { return e.event }},
	{"type", func(e entry) any { return strings.ToLower(strings.ReplaceAll(string(e.kind), " ", "")) }},
	{"id", func(e entry) any { return e.id }},
	{"name", func(e entry) any { return e.name }},
	{"loadbalancer_id", func(e entry) any { return string(e.balancer) }},
	{"project_id", func(e entry) any { return orNull(e.project) }},
	{"revision", func(e entry) any { return e.revision }},
	{"provisioning_status", func(e entry) any { return orNull(e.status.Provisioning) }},
	{"operating_status", func(e entry) any { return orNull(e.status.Operating) }},
	{"reason", func(e entry) any { return orNull(e.status.Reason) }},
}

func (a *api) watchRoutes() []route {
	return []route{{http.MethodGet, "/octavia/watch", a.watch}}
}

// watch answers as soon as something has changed after a place, or when the time is up.
// Without a place it says where now is.
func (a *api) watch(c *call) error {
	project := ""
	if !c.caller.Could(access.ReadAll) {
		project = c.caller.ProjectID
		if err := c.may(access.Read, project); err != nil || project == "" {
			return forbidden()
		}
	}
	wait, err := parseWait(c.query.Get("timeout"))
	if err != nil {
		return err
	}
	after := cursor{}
	begin := !c.query.Has("after")
	if !begin {
		if after, err = parseCursor(c.query.Get("after")); err != nil {
			return err
		}
	}
	if err := a.Backend.Sync(c.ctx()); err != nil {
		return err
	}
	select {
	case a.waiters <- struct{}{}:
		defer func() { <-a.waiters }()
	default:
		return unavailable("Too many clients wait for changes. Please try again.")
	}
	return a.wait(c, after, begin, project, wait)
}

func parseWait(s string) (time.Duration, error) {
	if s == "" {
		return MaxWait, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, badRequest("'%s' is not a valid option for timeout: give seconds, at most %d", s, int(MaxWait.Seconds()))
	}
	return min(time.Duration(n)*time.Second, MaxWait), nil
}

// wait looks for news until there are some of the project, or of any if it is "".
func (a *api) wait(c *call, after cursor, begin bool, project string, wait time.Duration) error {
	ctx, cancel := context.WithCancel(c.ctx())
	defer cancel()
	changed := a.Backend.Watch(ctx)
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		view, _ := a.Backend.View(c.ctx()) // without one everything is pending
		a.journal.look(a.Backend.Config(), view)
		entries, next, reset := a.journal.since(after)
		if begin {
			return answerWatch(c, nil, next, false)
		}
		var mine []entry
		for _, e := range entries {
			if project == "" || e.project == project {
				mine = append(mine, e)
			}
		}
		if len(mine) > 0 || reset {
			return answerWatch(c, mine, next, reset)
		}
		after = next
		select {
		case _, ok := <-changed:
			if !ok {
				return c.ctx().Err()
			}
		case <-tick.C:
		case <-timeout.C:
			return answerWatch(c, nil, next, false)
		}
	}
}

func answerWatch(c *call, entries []entry, next cursor, reset bool) error {
	b := append([]byte(`{"revision":`), strconv.FormatUint(next.revision, 10)...)
	b = append(appendString(append(b, `,"next":`...), next.String()), `,"reset":`...)
	b = append(strconv.AppendBool(b, reset), `,"changed":`...)
	b = appendList(b, entries, func(b []byte, e entry) []byte { return appendObject(b, entryAttributes, e, nil) })
	return writeJSON(c.w, http.StatusOK, append(b, '}'))
}
