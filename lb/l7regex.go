package lb

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// ParseL7Regex compiles the regular expression of an L7 rule. Octavia matches with PCRE, byte by
// byte; we match with RE2, whose time is linear in what is matched, so that no request can
// stall a proxy. An expression is taken only if it means the same to both: beside what RE2 has
// not got, what it reads in another way is refused, and the error says what to write instead.
// With fold the case of letters is ignored.
func ParseL7Regex(v string, fold bool) (*regexp.Regexp, error) {
	if err := sameInPCRE(v); err != nil {
		return nil, err
	}
	flags := syntax.Perl
	if fold {
		flags |= syntax.FoldCase
	}
	tree, err := syntax.Parse(v, flags)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	if n := len(prog.Inst); n > maxL7Regex {
		return nil, fmt.Errorf("takes %d steps for each byte, at most %d are allowed: use smaller repetitions", n, maxL7Regex)
	}
	if fold {
		v = "(?i)" + v
	}
	return regexp.Compile(v)
}

// maxL7Regex bounds the instructions of a compiled expression, and so the time that a byte of a
// request can cost: few characters can stand for very many instructions ("[a-z]{1000}").
const maxL7Regex = 2000

// pcreOnly are the constructs behind "(?" that PCRE alone has, longest first.
var pcreOnly = []struct{ begin, what string }{
	{"<=", "look-behind"},
	{"<!", "look-behind"},
	{"=", "look-ahead"},
	{"!", "look-ahead"},
	{">", "atomic groups"},
	{"|", "branch reset"},
	{"(", "conditions"},
	{"#", "comments"},
	{"C", "callouts"},
	{"P=", "back-references"},
	{"P>", "recursion"},
	{"&", "recursion"},
	{"R", "recursion"},
}

// l7scan walks through an expression in search of what RE2 and PCRE read differently.
type l7scan struct {
	rest  string // not looked at yet
	class bool   // within brackets
}

func notInRE2(what, construct string) error {
	return fmt.Errorf("no %s (%s): expressions are RE2's, whose time is linear", what, construct)
}

func ambiguous(construct, instead string) error {
	return fmt.Errorf("%s does not mean the same to RE2 and PCRE, use %s", construct, instead)
}

func sameInPCRE(v string) error {
	s := l7scan{rest: v}
	for s.rest != "" {
		if err := s.next(); err != nil {
			return err
		}
	}
	return nil
}

// next looks at one element.
func (s *l7scan) next() error {
	c := s.rest[0]
	switch {
	case c >= 0x80:
		return ambiguous("a character outside ASCII", `a class such as [^ -~]: requests are matched byte by byte`)
	case c == '\\':
		return s.escape()
	case s.class:
		s.inClass()
	case c == '[':
		s.class = true
		s.rest = strings.TrimPrefix(s.rest[1:], "^")
		s.rest = strings.TrimPrefix(s.rest, "]") // it stands for itself there
	case c == '(':
		return s.group()
	case strings.IndexByte("*+?{", c) >= 0:
		return s.quantifier()
	default:
		s.rest = s.rest[1:]
	}
	return nil
}

func (s *l7scan) inClass() {
	if name, ok := strings.CutPrefix(s.rest, "[:"); ok {
		if end := strings.Index(name, ":]"); end >= 0 {
			s.rest = name[end+2:]
			return
		}
	}
	s.class = s.rest[0] != ']'
	s.rest = s.rest[1:]
}

func (s *l7scan) escape() error {
	if len(s.rest) == 1 {
		s.rest = "" // RE2 says what is wrong
		return nil
	}
	c := s.rest[1]
	construct := s.rest[:2]
	s.rest = s.rest[2:]
	switch c {
	case 'Q':
		_, s.rest, _ = strings.Cut(s.rest, `\E`)
	case '1', '2', '3', '4', '5', '6', '7', '8', '9', 'k', 'g':
		return notInRE2("back-references", construct)
	case 'p', 'P':
		return ambiguous(construct, "a class of ASCII characters, such as [A-Za-z]")
	case 'v':
		return ambiguous(construct, `\x0b`)
	case 'x':
		digits := s.rest[:min(2, len(s.rest))]
		if strings.HasPrefix(digits, "{") {
			digits, _, _ = strings.Cut(s.rest[1:], "}")
		}
		if n, err := strconv.ParseUint(digits, 16, 64); err == nil && n >= 0x80 {
			return ambiguous(construct+" of a character outside ASCII", "a class such as [^ -~]")
		}
	}
	return nil
}

func (s *l7scan) group() error {
	s.rest = s.rest[1:]
	if strings.HasPrefix(s.rest, "*") {
		return notInRE2("verbs", "(*")
	}
	inner, ok := strings.CutPrefix(s.rest, "?")
	if !ok {
		return nil
	}
	for _, only := range pcreOnly {
		if strings.HasPrefix(inner, only.begin) {
			return notInRE2(only.what, "(?"+only.begin)
		}
	}
	if digits := strings.TrimLeft(inner, "+-"); digits != "" && '0' <= digits[0] && digits[0] <= '9' {
		return notInRE2("recursion", "(?"+inner[:1])
	}
	s.rest = inner
	return nil
}

// l7Repeat is a repetition in braces; what is no such thing stands for itself.
var l7Repeat = regexp.MustCompile(`^\{(\d*)(,\d*)?\}`)

func (s *l7scan) quantifier() error {
	one := s.rest[:1]
	if one == "{" {
		m := l7Repeat.FindStringSubmatch(s.rest)
		switch {
		case m == nil || m[1] == "" && len(m[2]) < 2: // "{}" and "{,}" are plain text
			s.rest = s.rest[1:]
			return nil
		case m[1] == "":
			return ambiguous(m[0], "{0"+m[2]+"}")
		}
		one = m[0]
	}
	s.rest = s.rest[len(one):]
	if strings.HasPrefix(s.rest, "+") {
		return notInRE2("possessive quantifiers", one+"+")
	}
	s.rest = strings.TrimPrefix(s.rest, "?") // as few as possible: matches the same requests
	return nil
}
