package admin

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
)

// Limits of a page of a list.
const (
	// DefaultPageSize is how many resources a page has that asks for no number.
	DefaultPageSize = 100
	// MaxPageSize is the largest number that a page may ask for.
	MaxPageSize = 1000
	// maxPageBytes ends a page early when its resources are large.
	maxPageBytes = 1 << 20
)

// place is where in a list a resource stands: lists go by order of creation,
// then id. It does not move when other resources come and go, so that a walk
// over the pages shows every resource that exists all the time exactly once.
type place struct {
	created int64  // seconds since 1970
	serial  uint64 // within the second
	id      string
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.created, q.created), cmp.Compare(p.serial, q.serial), cmp.Compare(p.id, q.id))
}

func (p place) token() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d %s", p.created, p.serial, p.id))
}

// parseToken reads the place after which a page begins.
func parseToken(token string) (place, error) {
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return place{}, err
	}
	created, rest, _ := strings.Cut(string(text), " ")
	serial, id, _ := strings.Cut(rest, " ")
	seconds, err := strconv.ParseInt(created, 10, 64)
	number, err2 := strconv.ParseUint(serial, 10, 64)
	return place{created: seconds, serial: number, id: id}, errors.Join(err, err2)
}

// listRequest is what all list requests have in common.
type listRequest interface {
	GetPageSize() int32
	GetPageToken() string
	GetAllowStale() bool
	GetName() string
}

// page picks the resources of all that req asks for and returns the token of
// the next page, empty when this is the last.
func page[T, R any, PR interface {
	*R
	proto.Message
}](s *snapshot, k kind[T, R], all iter.Seq[*T], req listRequest) (shown []*R, next string, err error) {
	size := int(req.GetPageSize())
	switch {
	case size == 0:
		size = DefaultPageSize
	case size < 0 || size > MaxPageSize:
		return nil, "", invalid(k.name, "page_size", fmt.Sprintf("%d is out of range, use 1 to %d, or 0 for %d", size, MaxPageSize, DefaultPageSize))
	}
	after := place{created: -1 << 63}
	if token := req.GetPageToken(); token != "" {
		if after, err = parseToken(token); err != nil {
			return nil, "", invalid(k.name, "page_token", "use the next_page_token of the page before")
		}
	}
	at := func(v *T) place {
		return place{created: k.meta(v).CreatedAt.Unix(), serial: k.meta(v).Serial, id: k.id(v)}
	}

	var rest []*T
	for v := range all {
		if (req.GetName() == "" || k.meta(v).Name == req.GetName()) && at(v).compare(after) > 0 {
			rest = append(rest, v)
		}
	}
	slices.SortFunc(rest, func(a, b *T) int { return at(a).compare(at(b)) })

	bytes := 0
	for i, v := range rest {
		if i == size || bytes > maxPageBytes {
			return shown, at(rest[i-1]).token(), nil
		}
		r := k.show(s, v)
		bytes += proto.Size(PR(r))
		shown = append(shown, r)
	}
	return shown, "", nil
}
