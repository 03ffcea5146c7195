package octavia

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// attribute is one attribute of a resource in answers. What get returns is one of: nil
// (null), string, int, int64, float64, bool, [time.Time] (the zero one is null), creation,
// []string, refs, [absent], or else what encoding/json makes of it. The first kinds can
// be filtered and sorted by.
type attribute[R any] struct {
	name string
	get  func(R) any
}

// creation is when a resource was created, and which one of that second it is.
type creation struct{ *lb.Meta }

// refs are ids of other resources, shown as [{"id": ...}].
type refs []string

// absent leaves an attribute out.
type absent struct{}

// orNull is a string, or null if it is empty.
func orNull[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// orAbsent is a string, or no attribute if it is empty.
func orAbsent(s string) any {
	if s == "" {
		return absent{}
	}
	return s
}

// projectAttributes are the two names of the project.
func projectAttributes[R any](meta func(R) *lb.Meta) []attribute[R] {
	id := func(r R) any { return orNull(meta(r).ProjectID) }
	return []attribute[R]{{"project_id", id}, {"tenant_id", id}}
}

// metaAttributes are what every resource of a load balancer has: project, statuses,
// administrative state, times and tags. The reason of a status is an addition of ours: it
// is left out when there is none, so that answers are as Octavia's while all is well.
func metaAttributes[R any](meta func(R) *lb.Meta, status func(R) lb.Status) []attribute[R] {
	return append(projectAttributes(meta),
		attribute[R]{"provisioning_status", func(r R) any { return string(status(r).Provisioning) }},
		attribute[R]{"operating_status", func(r R) any { return string(status(r).Operating) }},
		attribute[R]{"status_reason", func(r R) any { return orAbsent(status(r).Reason) }},
		attribute[R]{"admin_state_up", func(r R) any { return meta(r).AdminStateUp }},
		attribute[R]{"created_at", func(r R) any { return creation{meta(r)} }},
		attribute[R]{"updated_at", func(r R) any { return updatedAt(meta(r), status(r)) }},
		attribute[R]{"tags", func(r R) any { return meta(r).Tags }},
	)
}

// updatedAt is null until the resource is served; Octavia writes a time then.
func updatedAt(m *lb.Meta, s lb.Status) any {
	if m.UpdatedAt.IsZero() && s.Provisioning != lb.PendingCreate {
		return m.CreatedAt
	}
	return m.UpdatedAt
}

// nameAttributes are a resource's name and description.
func nameAttributes[R any](meta func(R) *lb.Meta) []attribute[R] {
	return []attribute[R]{
		{"name", func(r R) any { return meta(r).Name }},
		{"description", func(r R) any { return meta(r).Description }},
	}
}

// timeFormat is how times are shown: UTC, without a zone.
const timeFormat = "2006-01-02T15:04:05"

// appendObject appends r as JSON; want picks attributes, nil: all of them.
func appendObject[R any](b []byte, attrs []attribute[R], r R, want map[string]bool) []byte {
	b = append(b, '{')
	first := true
	for i := range attrs {
		if want != nil && !want[attrs[i].name] {
			continue
		}
		v := attrs[i].get(r)
		if _, gone := v.(absent); gone {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendString(b, attrs[i].name)
		b = append(b, ':')
		b = appendValue(b, v)
	}
	return append(b, '}')
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case float64: // 1 is 1.0, as Python has it
		if v == math.Trunc(v) {
			return strconv.AppendFloat(b, v, 'f', 1, 64)
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case time.Time:
		if v.IsZero() {
			return append(b, "null"...)
		}
		b = append(b, '"')
		return append(v.UTC().AppendFormat(b, timeFormat), '"')
	case creation:
		return appendValue(b, v.CreatedAt)
	case []string:
		return appendList(b, v, appendString)
	case refs:
		return appendList(b, v, func(b []byte, id string) []byte {
			return append(appendString(append(b, `{"id":`...), id), '}')
		})
	}
	j, _ := json.Marshal(v) // plain data: cannot fail
	return append(b, j...)
}

func appendList[T any](b []byte, list []T, item func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = item(b, v)
	}
	return append(b, ']')
}

// appendString is fast for what needs no escape, which is nearly everything.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			j, _ := json.Marshal(s) // a string: cannot fail
			return append(b, j...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// matches reports whether v is what a client filters by; ok is false if nobody can
// filter by such a value.
func matches(v any, filter string) (match, ok bool) {
	switch v := v.(type) {
	case nil, absent:
		return filter == "" || filter == "None" || filter == "null", true
	case string:
		return v == filter, true
	case bool:
		want, known := boolWord(filter)
		return known && v == want, true
	case int:
		return strconv.Itoa(v) == filter, true
	case int64:
		return strconv.FormatInt(v, 10) == filter, true
	case float64:
		f, err := strconv.ParseFloat(filter, 64)
		return err == nil && f == v, true
	case time.Time:
		if v.IsZero() {
			return filter == "", true
		}
		return v.UTC().Format(timeFormat) == strings.TrimSuffix(filter, "Z"), true
	case creation:
		return matches(v.CreatedAt, filter)
	}
	return false, false
}

// compare orders two values of one attribute: null first.
func compare(a, b any) int {
	if ra, rb := rank(a), rank(b); ra != rb {
		return cmp.Compare(ra, rb)
	}
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string)) //nolint:forcetypeassert // of the same rank
	case bool:
		return cmp.Compare(boolRank(a), boolRank(b.(bool))) //nolint:forcetypeassert // of the same rank
	case int:
		return cmp.Compare(a, b.(int)) //nolint:forcetypeassert // of the same rank
	case int64:
		return cmp.Compare(a, b.(int64)) //nolint:forcetypeassert // of the same rank
	case float64:
		return cmp.Compare(a, b.(float64)) //nolint:forcetypeassert // of the same rank
	case time.Time:
		return a.Compare(b.(time.Time)) //nolint:forcetypeassert // of the same rank
	case creation:
		return a.CompareCreation(b.(creation).Meta) //nolint:forcetypeassert // of the same rank
	}
	return 0
}

// rank tells types apart; what cannot be compared has rank -1.
func rank(v any) int {
	switch v.(type) {
	case nil, absent:
		return 0
	case string:
		return 1
	case bool:
		return 2
	case int:
		return 3
	case int64:
		return 4
	case float64:
		return 5
	case time.Time:
		return 6
	case creation:
		return 7
	}
	return -1
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}
