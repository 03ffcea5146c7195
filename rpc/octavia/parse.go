package octavia

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// reason is the error of a parser of JSON values: the last sentence of a fault. The
// parsers coerce as WSME does.
type reason string

func (r reason) Error() string { return string(r) }

func reasonf(format string, args ...any) reason { return reason(fmt.Sprintf(format, args...)) }

// textOf is a string of at most limit characters.
func textOf(limit int) func(any) (string, error) {
	return func(v any) (string, error) {
		s, ok := v.(string)
		if !ok {
			return "", reason("Value should be string")
		}
		if utf8.RuneCountInString(s) > limit {
			return "", reasonf("Value should have a maximum character requirement of %d", limit)
		}
		return s, nil
	}
}

// idOf is a UUID, with or without dashes; its text becomes the usual one.
func idOf[T ~string](v any) (T, error) {
	s, ok := v.(string)
	if !ok {
		return "", errNotUUID
	}
	id, ok := canonical(s)
	if !ok {
		return "", errNotUUID
	}
	return T(id), nil
}

const errNotUUID = reason("Value should be UUID format")

// canonical returns the usual text of a UUID.
func canonical(s string) (string, bool) {
	s = strings.TrimPrefix(strings.ToLower(s), "urn:uuid:")
	s = strings.ReplaceAll(strings.Trim(s, "{}"), "-", "")
	if len(s) != 32 || strings.Trim(s, "0123456789abcdef") != "" {
		return "", false
	}
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:], true
}

// intOf is a whole number between low and high, also as text.
func intOf(low, high int) func(any) (int, error) {
	return func(v any) (int, error) {
		n, err := wholeNumber(v)
		switch {
		case err != nil:
			return 0, err
		case n < float64(low):
			return 0, reasonf("Value should be greater or equal to %d", low)
		case n > float64(high):
			return 0, reasonf("Value should be lower or equal to %d", high)
		}
		return int(n), nil
	}
}

// wholeNumber cuts fractions off JSON numbers, as Python's int does.
func wholeNumber(v any) (float64, error) {
	switch v := v.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return math.Trunc(f), nil
		}
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case string:
		if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil {
			return float64(n), nil
		}
	}
	return 0, reason("Value should be an integer")
}

// floatOf is a number, also as text.
func floatOf(v any) (float64, error) {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = strings.TrimSpace(v)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, reason("Value should be a number")
	}
	return f, nil
}

// durationOf is a whole number of units.
func durationOf(unit time.Duration, low, high int) func(any) (time.Duration, error) {
	parse := intOf(low, high)
	return func(v any) (time.Duration, error) {
		n, err := parse(v)
		return time.Duration(n) * unit, err
	}
}

// boolOf is a truth value, also as a number or a word.
func boolOf(v any) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case json.Number:
		f, err := v.Float64()
		return f != 0, err
	case string:
		if b, ok := boolWord(v); ok {
			return b, nil
		}
	}
	return false, reasonf("Value not an unambiguous boolean: %s", pythonText(v))
}

// boolWord reads the words that mean true or false.
func boolWord(s string) (b, ok bool) {
	switch strings.ToLower(s) {
	case "t", "true", "on", "y", "yes", "1":
		return true, true
	case "f", "false", "off", "n", "no", "0":
		return false, true
	}
	return false, false
}

// oneOf is one of some words.
func oneOf[T ~string](words ...T) func(any) (T, error) {
	return func(v any) (T, error) {
		if s, ok := v.(string); ok {
			for _, w := range words {
				if string(w) == s {
					return w, nil
				}
			}
		}
		all := make([]string, len(words))
		for i, w := range words {
			all[i] = string(w)
		}
		return "", reasonf("Value should be one of: %s", strings.Join(all, ", "))
	}
}

// addrOf is an IP address.
func addrOf(v any) (netip.Addr, error) {
	s, _ := v.(string)
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, reason("Value should be IPv4 or IPv6 format")
	}
	return a, nil
}

// prefixOf is a CIDR, whose host bits are masked off; an address is the CIDR of itself.
func prefixOf(v any) (netip.Prefix, error) {
	s, _ := v.(string)
	if !strings.Contains(s, "/") {
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
			return netip.PrefixFrom(a, a.BitLen()), nil
		}
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, reason("Value should be IPv4 or IPv6 CIDR format")
	}
	return p.Masked(), nil
}

// maxItems bounds every list in a request.
const maxItems = 4096

// listOf is a list of what parse reads.
func listOf[T any](parse func(any) (T, error)) func(any) ([]T, error) {
	return func(v any) ([]T, error) {
		list, err := items(v)
		if err != nil {
			return nil, err
		}
		all := make([]T, len(list))
		for i, item := range list {
			if all[i], err = parse(item); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
}

func items(v any) ([]any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, reasonf("Value not a valid list: %s", pythonText(v))
	}
	if len(list) > maxItems {
		return nil, reasonf("Value should have at most %d items", maxItems)
	}
	return list, nil
}

// pythonText is how Octavia shows a value in a fault, cut where it gets long.
func pythonText(v any) string {
	s := ""
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		s = v
	case json.Number:
		return v.String()
	default:
		b, _ := json.Marshal(v) // it came from JSON: cannot fail
		s = string(b)
	}
	if r := []rune(s); len(r) > 256 {
		s = string(r[:256]) + "..."
	}
	return s
}
