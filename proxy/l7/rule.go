package l7

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/proxy/http1"
)

// rule is one condition.
type rule struct {
	subject subject
	invert  bool
	key     string
	matcher matcher
	number  int // of SSL_VERIFY_RESULT
}

// subject is what of a request a rule looks at.
type subject uint8

const (
	host subject = iota
	path
	field
	cookie
	hasCertificate
	verifyResult
	subjectField
)

// query is a request as rules see it.
type query struct {
	request    *http1.Request
	conn       TLS
	path       []byte // nil: there is none
	host, name []byte // with and without port
}

func compileRule(r *lb.L7Rule) (rule, error) {
	c := rule{invert: r.Invert, key: r.Key}
	compare := r.Compare
	switch r.Type {
	case lb.L7HostName:
		c.subject = host
	case lb.L7Path:
		c.subject = path
	case lb.L7FileType:
		c.subject = path
		if compare == lb.L7EqualTo { // the end of the path is equal
			compare = lb.L7EndsWith
		}
	case lb.L7Header:
		c.subject = field
	case lb.L7Cookie:
		c.subject = cookie
	case lb.L7SSLConnHasCert:
		c.subject = hasCertificate
		return c, nil
	case lb.L7SSLVerifyResult:
		var err error
		c.subject = verifyResult
		c.number, err = strconv.Atoi(r.Value)
		return c, err
	case lb.L7SSLDNField:
		c.subject = subjectField
	default:
		return c, fmt.Errorf("type %q is not known", r.Type)
	}
	var err error
	c.matcher, err = newMatcher(compare, r.Text(), c.subject == host)
	return c, err
}

// matches reports whether the condition holds, before it is inverted. One about what the request has not got does not.
func (r *rule) matches(q *query) bool {
	switch r.subject {
	case host:
		return len(q.host) > 0 && (r.matcher.matches(q.host) || len(q.name) < len(q.host) && r.matcher.matches(q.name))
	case path:
		return q.path != nil && r.matcher.matches(q.path)
	case field:
		if len(r.key) == len(hostField) && foldedEqual(hostField, r.key) { // the member gets it also if the client sent it as part of the target
			return len(q.host) > 0 && r.matcher.matches(q.host)
		}
		return r.matchesField(&q.request.Fields)
	case cookie:
		return r.matchesCookie(&q.request.Fields)
	}
	if q.conn == nil {
		return false
	}
	switch r.subject {
	case hasCertificate:
		return q.conn.HasCertificate()
	case verifyResult:
		return q.conn.VerifyResult() == r.number
	}
	value, ok := q.conn.SubjectField(r.key)
	return ok && r.matcher.matchesString(value)
}

// matchesField tries every value of every field line of that name; values are separated by commas.
func (r *rule) matchesField(f *http1.Fields) bool {
	for i := range f.Len() {
		name, list := f.At(i)
		if len(name) != len(r.key) || !foldedEqual(name, r.key) {
			continue
		}
		for more := true; more; {
			var value []byte
			value, list, more = nextValue(list)
			if r.matcher.matches(value) {
				return true
			}
		}
	}
	return false
}

var hostField = []byte("host")

// nextValue cuts the first element off a list of values. A comma within a quoted string belongs to the value (RFC 9110 section 5.6.4).
func nextValue(list []byte) (value, rest []byte, more bool) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case c == ',' && !quoted:
			return bytes.Trim(list[:i], " \t"), list[i+1:], true
		}
	}
	return bytes.Trim(list, " \t"), nil, false
}

// matchesCookie tries every cookie of that name, which is compared as it is.
func (r *rule) matchesCookie(f *http1.Fields) bool {
	for i := range f.Len() {
		if !f.IsCookie(i) {
			continue
		}
		for _, list := f.At(i); list != nil; {
			var name, value []byte
			name, value, list = http1.NextCookie(list)
			if string(name) == r.key && r.matcher.matches(value) {
				return true
			}
		}
	}
	return false
}
