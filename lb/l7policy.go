package lb

import (
	"math"
	"net/url"
	"slices"
	"strings"
)

const (
	defaultRedirectCode = 302
	lastPosition        = math.MaxInt32 // what Octavia calls "at the end"
)

var l7Actions = []L7Action{L7Reject, L7RedirectToURL, L7RedirectToPool, L7RedirectPrefix}

func (o CreateL7Policy) apply(e *edit) (Result, error) {
	c := &checker{kind: KindL7Policy}
	id, ok := o.Spec.ListenerID.Get()
	if !ok {
		c.invalid("listener_id", "is required")
		return Result{}, c.err()
	}
	l, ok := e.Listener(id)
	if !ok {
		c.missing("listener_id", KindListener, string(id))
		return Result{}, c.err()
	}
	q, err := e.newL7Policy(e.newID(string(o.ID)), o.Spec, l)
	if err != nil {
		return Result{}, err
	}
	position, given := o.Spec.Position.Get()
	if !given {
		position = lastPosition
	}
	next := *l
	next.L7Policies = insertL7Policy(l.L7Policies, q, position)
	e.renumber(&next, q)
	e.putListener(&next)
	e.wroteL7Policy(q)
	return Result{Kind: KindL7Policy, ID: string(q.ID)}, nil
}

func (o UpdateL7Policy) apply(e *edit) (Result, error) {
	old, ok := e.L7Policy(o.ID)
	if !ok {
		return Result{}, notFound(KindL7Policy, string(o.ID))
	}
	if err := precondition(KindL7Policy, string(o.ID), o.If, old.Revision); err != nil {
		return Result{}, err
	}
	l, _ := e.Listener(old.ListenerID)
	t, _ := e.Tree(l.LoadBalancerID)
	q, c := *old, &checker{kind: KindL7Policy, id: string(o.ID)}
	o.Spec.fill(c, t, l, &q)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	e.updated(&q.Meta)
	next := *l
	if o.Spec.Position.IsAbsent() {
		next.L7Policies = slices.Clone(l.L7Policies)
		next.L7Policies[slices.Index(l.L7Policies, old)] = &q
	} else {
		position, given := o.Spec.Position.Get()
		if !given {
			position = lastPosition
		}
		next.L7Policies = insertL7Policy(withoutL7Policy(l.L7Policies, old), &q, position)
	}
	e.renumber(&next, &q)
	e.putListener(&next)
	return e.wrote(KindL7Policy, string(q.ID), q.stored()), nil
}

func (o DeleteL7Policy) apply(e *edit) (Result, error) {
	q, ok := e.L7Policy(o.ID)
	if !ok {
		return Result{}, notFound(KindL7Policy, string(o.ID))
	}
	if err := precondition(KindL7Policy, string(o.ID), o.If, q.Revision); err != nil {
		return Result{}, err
	}
	l, _ := e.Listener(q.ListenerID)
	next := *l
	next.L7Policies = withoutL7Policy(l.L7Policies, q)
	e.renumber(&next, nil)
	e.putListener(&next)
	return e.deleteL7Policy(q), nil
}

// newL7Policies makes the policies of a new listener.
func (e *edit) newL7Policies(l *Listener, specs []L7PolicySpec) error {
	for _, spec := range specs {
		q, err := e.newL7Policy(e.newID(""), spec, l)
		if err != nil {
			return err
		}
		position, given := spec.Position.Get()
		if !given {
			position = lastPosition
		}
		l.L7Policies = insertL7Policy(l.L7Policies, q, position)
	}
	for i, q := range l.L7Policies {
		q.Position = i + 1
	}
	return nil
}

// newL7Policy makes a policy with its rules. Putting it among those of l, which is as it
// was, and recording it are left to the caller.
func (e *edit) newL7Policy(id string, spec L7PolicySpec, l *Listener) (*L7Policy, error) {
	q := &L7Policy{ID: L7PolicyID(id), ListenerID: l.ID, Meta: Meta{AdminStateUp: true}}
	c := &checker{kind: KindL7Policy}
	c.newID(&e.Config, id)
	t, _ := e.Tree(l.LoadBalancerID)
	spec.fill(c, t, l, q)
	if err := c.err(); err != nil {
		return nil, err
	}
	e.created(&q.Meta)
	if err := e.own(KindL7Policy, id, l.LoadBalancerID); err != nil {
		return nil, err
	}
	for _, rule := range spec.Rules {
		r, err := e.newL7Rule(e.newID(""), rule, q, l.LoadBalancerID)
		if err != nil {
			return nil, err
		}
		q.Rules = with(q.Rules, r)
	}
	return q, nil
}

// insertL7Policy returns policies with q at a position, or at the end if there are fewer.
func insertL7Policy(policies []*L7Policy, q *L7Policy, position int) []*L7Policy {
	return slices.Insert(slices.Clone(policies), min(position-1, len(policies)), q)
}

func withoutL7Policy(policies []*L7Policy, q *L7Policy) []*L7Policy {
	if len(policies) == 1 {
		return nil
	}
	i := slices.Index(policies, q)
	return slices.Concat(policies[:i], policies[i+1:])
}

// renumber gives the policies of l, a copy, the positions that they have now. Those that
// moved beside own, which the caller writes, have changed as well.
func (e *edit) renumber(l *Listener, own *L7Policy) {
	for i, q := range l.L7Policies {
		if q == own {
			q.Position = i + 1
		}
		if q.Position == i+1 {
			continue
		}
		moved := *q
		moved.Position = i + 1
		if moved.Revision != e.revision { // else this command has just created or updated it
			e.updated(&moved.Meta)
		}
		l.L7Policies[i] = &moved
		e.wrote(KindL7Policy, string(moved.ID), moved.stored())
	}
}

// putListener puts a listener with other L7 policies in its tree. It is not written
// itself.
func (e *edit) putListener(l *Listener) {
	t, _ := e.Tree(l.LoadBalancerID)
	e.setTree(t.withListener(l))
}

func (e *edit) wroteL7Policy(q *L7Policy) {
	e.wrote(KindL7Policy, string(q.ID), q.stored())
	for _, r := range q.Rules {
		e.wrote(KindL7Rule, string(r.ID), r)
	}
}

// deleteL7Policy records that q and its rules are gone.
func (e *edit) deleteL7Policy(q *L7Policy) Result {
	for _, r := range q.Rules {
		e.disown(KindL7Rule, string(r.ID))
		e.deleted(KindL7Rule, string(r.ID))
	}
	e.disown(KindL7Policy, string(q.ID))
	return e.deleted(KindL7Policy, string(q.ID))
}

func (spec L7PolicySpec) fill(c *checker, t *Tree, l *Listener, q *L7Policy) {
	if !c.creating() {
		fixed(c, "listener_id", &q.ListenerID, spec.ListenerID)
		if spec.Rules != nil {
			c.invalid("rules", "can be given at creation only, create and delete L7 rules one by one")
		}
		if spec.empty() {
			c.invalid("", "Invalid L7 Policy arguments: Invalid update options")
		}
	}
	spec.fillChild(c, &q.Meta, t)
	if n, ok := spec.Position.Get(); ok {
		between(c, "position", n, 1, lastPosition)
	}
	switch {
	case l.Protocol == ProtocolPrometheus:
		c.childless("listener_id")
		return
	case !l.Protocol.http():
		c.unsupported(t, "listener_id", "%s protocol listeners do not support L7 policies", l.Protocol)
		return
	}
	if !spec.fillAction(c, q) || q.RedirectPoolID == "" {
		return
	}
	if p, ok := t.pool(q.RedirectPoolID); ok {
		c.sends("redirect_pool_id", l.Protocol, p.Protocol)
	} else {
		c.missing("redirect_pool_id", KindPool, string(q.RedirectPoolID))
	}
}

// empty reports whether nothing is given, which Octavia refuses for L7 policies alone.
func (spec L7PolicySpec) empty() bool {
	m := spec.MetaSpec
	return m.ProjectID.IsAbsent() && m.Name.IsAbsent() && m.Description.IsAbsent() && m.AdminStateUp.IsAbsent() && m.Tags.IsAbsent() &&
		spec.ListenerID.IsAbsent() && spec.Action.IsAbsent() && spec.Position.IsAbsent() && spec.RedirectPoolID.IsAbsent() &&
		spec.RedirectURL.IsAbsent() && spec.RedirectPrefix.IsAbsent() && spec.RedirectCode.IsAbsent() && spec.Rules == nil
}

// fillAction makes action and redirects fit each other. In the order of Octavia: the
// action drops what it has no use for; a redirect that is left decides the action; and
// what the action does not use is reset.
func (spec L7PolicySpec) fillAction(c *checker, q *L7Policy) bool {
	pool, _ := spec.RedirectPoolID.Get()
	to, _ := spec.RedirectURL.Get()
	prefix, _ := spec.RedirectPrefix.Get()
	if given(spec.Action) || c.creating() {
		if !required(c, "action", &q.Action, spec.Action) || !enum(c, "action", q.Action, l7Actions...) {
			return false
		}
		switch q.Action {
		case L7Reject:
			pool, to = "", ""
		case L7RedirectToURL:
			pool = ""
		case L7RedirectToPool:
			to = ""
		}
	}
	if pool != "" && (to != "" || prefix != "") {
		c.invalid("redirect_pool_id", "Invalid L7 Policy arguments: Cannot specify redirect_pool_id and redirect_url or "+
			"redirect_prefix at the same time")
		return false
	}
	switch {
	case pool != "":
		q.Action, q.RedirectPoolID = L7RedirectToPool, pool
	case to != "":
		q.Action, q.RedirectURL = L7RedirectToURL, to
	case prefix != "":
		q.Action, q.RedirectPrefix = L7RedirectPrefix, prefix
	}
	return spec.fillRedirect(c, q)
}

// fillRedirect keeps of the redirects the one of the action, which must be there.
func (spec L7PolicySpec) fillRedirect(c *checker, q *L7Policy) bool {
	if spec.RedirectPoolID.IsNull() {
		q.RedirectPoolID = ""
	}
	if spec.RedirectURL.IsNull() {
		q.RedirectURL = ""
	}
	if spec.RedirectPrefix.IsNull() {
		q.RedirectPrefix = ""
	}
	kept, ok := L7Policy{}, true
	switch q.Action {
	case L7RedirectToPool:
		kept.RedirectPoolID = q.RedirectPoolID
		if ok = q.RedirectPoolID != ""; !ok {
			c.invalid("redirect_pool_id", "Invalid L7 Policy arguments: redirect_pool_id or redirect_pool must not be None")
		}
	case L7RedirectToURL:
		kept.RedirectURL = q.RedirectURL
		ok = c.redirect("redirect_url", q.RedirectURL)
	case L7RedirectPrefix:
		kept.RedirectPrefix = q.RedirectPrefix
		ok = c.redirect("redirect_prefix", q.RedirectPrefix)
	}
	if q.Action == L7RedirectToURL || q.Action == L7RedirectPrefix {
		kept.RedirectCode = q.RedirectCode
		optional(&kept.RedirectCode, spec.RedirectCode, defaultRedirectCode)
		if kept.RedirectCode == 0 {
			kept.RedirectCode = defaultRedirectCode
		}
	}
	if code, given := spec.RedirectCode.Get(); given && !slices.Contains([]int{301, 302, 303, 307, 308}, code) {
		c.invalid("redirect_http_code", "Invalid input for field/attribute redirect_http_code. Value: '%d'. "+
			"Value should be one of: 301, 302, 303, 307, 308", code)
	}
	q.RedirectPoolID, q.RedirectURL, q.RedirectPrefix, q.RedirectCode = kept.RedirectPoolID, kept.RedirectURL, kept.RedirectPrefix, kept.RedirectCode
	return ok
}

// redirect checks a URL that clients are sent to. It goes onto the wire in a header, so
// nothing in it may end the line.
func (c *checker) redirect(field, v string) bool {
	if v == "" {
		c.invalid(field, "Invalid L7 Policy arguments: %s must not be None", field)
		return false
	}
	c.text(field, v, maxText)
	u, err := url.Parse(v)
	control := strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f && r <= 0x9f })
	if err != nil || control || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		c.invalid(field, "Invalid input for field/attribute %s. Value: '%s'. Value must be a valid URL string", field, v)
		return false
	}
	return true
}
