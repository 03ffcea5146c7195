package octavia

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// sample has a field of each type.
type sample struct {
	text  lb.Opt[string]
	id    lb.Opt[lb.PoolID]
	whole lb.Opt[int]
	float lb.Opt[float64]
	flag  lb.Opt[bool]
	enum  lb.Opt[lb.Protocol]
	addr  lb.Opt[netip.Addr]
	cidrs lb.Opt[[]netip.Prefix]
	wait  lb.Opt[time.Duration]
	inner lb.Opt[small]
	rows  []sample
}

type small struct{ whole lb.Opt[int] }

func sampleForm() object[sample] {
	scalars := object[sample]{
		field("text", func(s *sample) *lb.Opt[string] { return &s.text }, textOf(5)),
		field("id", func(s *sample) *lb.Opt[lb.PoolID] { return &s.id }, idOf[lb.PoolID]),
		field("whole", func(s *sample) *lb.Opt[int] { return &s.whole }, intOf(0, 256)),
		field("float", func(s *sample) *lb.Opt[float64] { return &s.float }, floatOf),
		field("flag", func(s *sample) *lb.Opt[bool] { return &s.flag }, boolOf),
		field("enum", func(s *sample) *lb.Opt[lb.Protocol] { return &s.enum }, oneOf(lb.ProtocolHTTP, lb.ProtocolTCP)),
		field("addr", func(s *sample) *lb.Opt[netip.Addr] { return &s.addr }, addrOf),
		field("cidrs", func(s *sample) *lb.Opt[[]netip.Prefix] { return &s.cidrs }, listOf(prefixOf)),
		field("wait", func(s *sample) *lb.Opt[time.Duration] { return &s.wait }, durationOf(time.Millisecond, 0, 1000)),
	}
	return append(scalars,
		inner("inner", func(s *sample) *lb.Opt[small] { return &s.inner }, object[small]{
			field("whole", func(s *small) *lb.Opt[int] { return &s.whole }, intOf(0, 9)),
		}),
		each("rows", scalars, func(s *sample, row sample) error { s.rows = append(s.rows, row); return nil }),
		field("born", func(s *sample) *lb.Opt[int] { return &s.whole }, intOf(0, 9)).create().must(),
		field("later", func(s *sample) *lb.Opt[int] { return &s.whole }, intOf(0, 9)).update(),
	)
}

func decodeSample(body string, in form) (sample, error) {
	var s sample
	form := sampleForm()
	err := decodeBody([]byte(body), "sample_", "sample", func(v any) error { return form.decode(&s, v, in) })
	return s, err
}

func value[T any](o lb.Opt[T]) any {
	v, ok := o.Get()
	if !ok {
		return o.IsNull()
	}
	return v
}

func TestCoercion(t *testing.T) {
	for body, tt := range map[string]struct {
		get  func(sample) any
		want any
	}{
		`"text":"abc"`:           {func(s sample) any { return value(s.text) }, "abc"},
		`"text":"äöüß€"`:         {func(s sample) any { return value(s.text) }, "äöüß€"},
		`"text":null`:            {func(s sample) any { return value(s.text) }, true},
		`"flag":1`:               {func(s sample) any { return value(s.text) }, false}, // text is absent
		`"whole":200`:            {func(s sample) any { return value(s.whole) }, 200},
		`"whole":"200"`:          {func(s sample) any { return value(s.whole) }, 200},
		`"whole":" 7 "`:          {func(s sample) any { return value(s.whole) }, 7},
		`"whole":7.9`:            {func(s sample) any { return value(s.whole) }, 7},
		`"whole":true`:           {func(s sample) any { return value(s.whole) }, 1},
		`"float":1.1`:            {func(s sample) any { return value(s.float) }, 1.1},
		`"float":"1.1"`:          {func(s sample) any { return value(s.float) }, 1.1},
		`"flag":true`:            {func(s sample) any { return value(s.flag) }, true},
		`"flag":0`:               {func(s sample) any { return value(s.flag) }, false},
		`"flag":"Yes"`:           {func(s sample) any { return value(s.flag) }, true},
		`"flag":"OFF"`:           {func(s sample) any { return value(s.flag) }, false},
		`"enum":"TCP"`:           {func(s sample) any { return value(s.enum) }, lb.ProtocolTCP},
		`"addr":"2001:db8::1"`:   {func(s sample) any { return value(s.addr) }, netip.MustParseAddr("2001:db8::1")},
		`"wait":"50"`:            {func(s sample) any { return value(s.wait) }, 50 * time.Millisecond},
		`"inner":{"whole":3}`:    {func(s sample) any { v, _ := s.inner.Get(); return value(v.whole) }, 3},
		`"inner":null`:           {func(s sample) any { return s.inner.IsNull() }, true},
		`"rows":[{},{"flag":1}]`: {func(s sample) any { return len(s.rows) }, 2},
		`"rows":null`:            {func(s sample) any { return len(s.rows) }, 0},
		`"id":"0123456789ABCDEF0123456789abcdef"`: {func(s sample) any { return value(s.id) }, lb.PoolID("01234567-89ab-cdef-0123-456789abcdef")},
		`"cidrs":["10.1.2.3/8","::1"]`: {func(s sample) any {
			c, _ := s.cidrs.Get()
			return c[0].String() + " " + c[1].String()
		}, "10.0.0.0/8 ::1/128"},
	} {
		s, err := decodeSample(`{"sample":{`+body+`}}`, put)
		if err != nil {
			t.Errorf("%s: %v", body, err)
		} else if got := tt.get(s); got != tt.want {
			t.Errorf("%s: got %v, want %v", body, got, tt.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	const bad = "Invalid input for field/attribute "
	for _, tt := range []struct {
		body string
		in   form
		want string
	}{
		{`{`, put, "Request is not in valid JSON format"},
		{``, put, "Request is not in valid JSON format"},
		{`{"sample":{}} {}`, put, "Request is not in valid JSON format"},
		{`{"sample":{"flag":tru}}`, put, "Request is not in valid JSON format"},
		{`{}`, put, bad + "sample. Value: 'None'. Mandatory field missing."},
		{`[]`, put, bad + "sample_. Value: '[]'. Value should be a JSON object"},
		{`{"sample":[]}`, put, bad + "sample. Value: '[]'. Value should be a JSON object"},
		{`{"sample":null}`, put, bad + "sample. Value: 'None'. Value should be a JSON object"},
		{`{"sample":{},"x":1}`, put, "Unknown attribute for argument sample_: x"},
		{`{"sample":{"x":1}}`, put, "Unknown attribute for argument sample_.sample: x"},
		{`{"sample":{"y":1,"x":1}}`, put, "Unknown attributes for argument sample_.sample: x, y"},
		{`{"sample":{"inner":{"x":1}}}`, put, "Unknown attribute for argument sample_.sample.inner: x"},
		{`{"sample":{"rows":[{"x":1}]}}`, put, "Unknown attribute for argument sample_.sample.rows: x"},
		{`{"sample":{"born":1}}`, put, "Unknown attribute for argument sample_.sample: born"},
		{`{"sample":{"later":1}}`, post, "Unknown attribute for argument sample_.sample: later"},
		{`{"sample":{}}`, post, bad + "born. Value: 'None'. Mandatory field missing."},
		{`{"sample":{"text":5}}`, put, bad + "text. Value: '5'. Value should be string"},
		{`{"sample":{"text":"äöüß€x"}}`, put, bad + "text. Value: 'äöüß€x'. Value should have a maximum character requirement of 5"},
		{`{"sample":{"whole":-1}}`, put, bad + "whole. Value: '-1'. Value should be greater or equal to 0"},
		{`{"sample":{"whole":"257"}}`, put, bad + "whole. Value: '257'. Value should be lower or equal to 256"},
		{`{"sample":{"whole":1e300}}`, put, bad + "whole. Value: '1e300'. Value should be lower or equal to 256"},
		{`{"sample":{"whole":1e999}}`, put, bad + "whole. Value: '1e999'. Value should be an integer"},
		{`{"sample":{"whole":"seven"}}`, put, bad + "whole. Value: 'seven'. Value should be an integer"},
		{`{"sample":{"whole":[1]}}`, put, bad + "whole. Value: '[1]'. Value should be an integer"},
		{`{"sample":{"float":"NaN"}}`, put, bad + "float. Value: 'NaN'. Value should be a number"},
		{`{"sample":{"flag":"maybe"}}`, put, bad + "flag. Value: 'maybe'. Value not an unambiguous boolean: maybe"},
		{`{"sample":{"flag":{}}}`, put, bad + "flag. Value: '{}'. Value not an unambiguous boolean: {}"},
		{`{"sample":{"id":"x"}}`, put, bad + "id. Value: 'x'. Value should be UUID format"},
		{`{"sample":{"id":7}}`, put, bad + "id. Value: '7'. Value should be UUID format"},
		{`{"sample":{"enum":"UDP"}}`, put, bad + "enum. Value: 'UDP'. Value should be one of: HTTP, TCP"},
		{`{"sample":{"enum":true}}`, put, bad + "enum. Value: 'True'. Value should be one of: HTTP, TCP"},
		{`{"sample":{"addr":"1.2.3"}}`, put, bad + "addr. Value: '1.2.3'. Value should be IPv4 or IPv6 format"},
		{`{"sample":{"addr":"fe80::1%eth0"}}`, put, bad + "addr. Value: 'fe80::1%eth0'. Value should be IPv4 or IPv6 format"},
		{`{"sample":{"cidrs":["x"]}}`, put, bad + `cidrs. Value: '["x"]'. Value should be IPv4 or IPv6 CIDR format`},
		{`{"sample":{"cidrs":"10.0.0.0/8"}}`, put, bad + "cidrs. Value: '10.0.0.0/8'. Value not a valid list: 10.0.0.0/8"},
		{`{"sample":{"rows":[1]}}`, put, bad + "rows. Value: '[1]'. Value should be a JSON object"},
		{`{"sample":{"rows":[` + strings.Repeat("{},", maxItems) + `{}]}}`, put, "Value should have at most 4096 items"},
		{`{"sample":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`, put, "Request is nested too deep"},
	} {
		_, err := decodeSample(tt.body, tt.in)
		if f := faultOf(err); f.status != 400 || !strings.HasSuffix(f.text, tt.want) {
			t.Errorf("%.80s: %d %.300s\nwant %s", tt.body, f.status, f.text, tt.want)
		}
	}
}

// What quotes hide is no nesting.
func TestDepth(t *testing.T) {
	for body, want := range map[string]bool{
		strings.Repeat("[", maxDepth):                   false,
		strings.Repeat("[", maxDepth+1):                 true,
		strings.Repeat("[]", 1000):                      false,
		`"` + strings.Repeat("[", 1000) + `"`:           false,
		`"\"` + strings.Repeat("[", 1000) + `"`:         false,
		`"\\"` + strings.Repeat(`{"a":`, maxDepth+1):    true,
		`{"a":"` + strings.Repeat("{", maxDepth) + `"}`: false,
	} {
		if tooDeep([]byte(body)) != want {
			t.Errorf("%.50s: want %v", body, want)
		}
	}
}

// FuzzDecode: no body makes the decoder fail other than with a fault of status 400, and
// what it accepts is within the limits.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"sample":{"text":"abc","whole":"7","flag":"on","born":1}}`,
		`{"sample":{"rows":[{"id":"0123456789abcdef0123456789abcdef"},{"cidrs":["::/0"]}],"born":"1"}}`,
		`{"sample":{"inner":{"float":1e3,"wait":1},"born":0}}`,
		`{"sample":null}`, `[]`, `{"sample":{"text":"\ud800"}}`, `{"sample":{"whole":1e400,"born":-0}}`, "\xff", `{"":{"":""}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, in := range []form{post, put} {
			s, err := decodeSample(string(body), in)
			if err != nil {
				if got := faultOf(err); got.status != 400 || got.text == "" {
					t.Errorf("%q: %v", body, err)
				}
				continue
			}
			if n, ok := s.whole.Get(); ok && (n < 0 || n > 256) {
				t.Errorf("%q: whole is %d", body, n)
			}
			if id, ok := s.id.Get(); ok && len(id) != 36 {
				t.Errorf("%q: id is %q", body, id)
			}
			if text, ok := s.text.Get(); ok && len([]rune(text)) > 5 {
				t.Errorf("%q: text is %q", body, text)
			}
		}
	})
}
