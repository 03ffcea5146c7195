package octavia

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"

	"github.com/amphora-lb/amphora/lb"
)

// maxInt32 bounds numbers that have no other bound: Octavia's database does.
const maxInt32 = math.MaxInt32

// tlsForm is what requests say of how TLS is spoken, for listeners and pools alike.
func tlsForm[S any](at func(*S) *lb.TLSParamsSpec) object[S] {
	return object[S]{
		field("tls_ciphers", func(s *S) *lb.Opt[string] { return &at(s).Ciphers }, textOf(2048)),
		field("tls_versions", func(s *S) *lb.Opt[[]string] { return &at(s).Versions }, listOf(textOf(32))),
		field("alpn_protocols", func(s *S) *lb.Opt[[]string] { return &at(s).ALPN }, listOf(alpnOf)),
	}
}

// alpnOf is one of the protocols that clients may agree on.
func alpnOf(v any) (string, error) {
	if s, _ := v.(string); s == "h2" || s == "http/1.1" || s == "http/1.0" {
		return s, nil
	}
	return "", reason("Value should be a valid ALPN protocol ID")
}

// ofParent is the parent that something new must name.
func ofParent[S any, T ~string](name string, at func(*S) *lb.Opt[T]) object[S] {
	return object[S]{field(name, at, idOf[T]).must().create()}
}

// headersOf is an object of texts.
func headersOf(v any) (map[string]string, error) {
	values, ok := v.(map[string]any)
	if !ok {
		return nil, reasonf("Value not a valid dict: %s", pythonText(v))
	}
	if len(values) > maxItems {
		return nil, reasonf("Value should have at most %d items", maxItems)
	}
	parse := textOf(255)
	all := make(map[string]string, len(values))
	for name, v := range values {
		if _, err := parse(name); err != nil {
			return nil, err
		}
		s, err := parse(v)
		if err != nil {
			return nil, err
		}
		all[name] = s
	}
	return all, nil
}

// cmpOr is text, or else other.
func cmpOr[T ~string](s, other T) string { return string(cmp.Or(s, other)) }

// textsOrNull are the texts of a list, or null if it is empty.
func textsOrNull[T fmt.Stringer](list []T) any {
	if len(list) == 0 {
		return nil
	}
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = v.String()
	}
	return all
}

// wholes shows resources within the answer about another.
func wholes[R, T any](attrs []attribute[R], list []T, row func(T) R) json.RawMessage {
	return appendList(nil, list, func(b []byte, v T) []byte { return appendObject(b, attrs, row(v), nil) })
}
