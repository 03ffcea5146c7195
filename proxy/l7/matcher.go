package l7

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/amphora-lb/amphora/lb"
)

// matcher is one comparison with a fixed text.
type matcher struct {
	compare lb.L7Compare
	text    string // in lower case if fold is set
	fold    bool   // the case of ASCII letters is ignored
	re      *regexp.Regexp
}

func newMatcher(compare lb.L7Compare, text string, fold bool) (matcher, error) {
	m := matcher{compare: compare, text: text, fold: fold}
	switch compare {
	case lb.L7EqualTo, lb.L7StartsWith, lb.L7EndsWith, lb.L7Contains:
		if fold {
			m.text = lower(text)
		}
		return m, nil
	case lb.L7Regex:
		var err error
		m.re, err = lb.ParseL7Regex(text, fold)
		return m, err
	}
	return m, fmt.Errorf("compare type %q is not known", compare)
}

func (m *matcher) matches(b []byte) bool {
	switch m.compare {
	case lb.L7EqualTo:
		return len(b) == len(m.text) && m.equal(b)
	case lb.L7StartsWith:
		return len(b) >= len(m.text) && m.equal(b[:len(m.text)])
	case lb.L7EndsWith:
		return len(b) >= len(m.text) && m.equal(b[len(b)-len(m.text):])
	case lb.L7Contains:
		return m.contains(b)
	}
	if isASCII(b) {
		return m.re.Match(b)
	}
	return matchBytes(m.re, b)
}

// matchesString is matches for what is a string already.
func (m *matcher) matchesString(s string) bool {
	if m.compare == lb.L7Regex {
		return m.re.MatchString(s)
	}
	switch m.compare {
	case lb.L7EqualTo:
		return s == m.text
	case lb.L7StartsWith:
		return strings.HasPrefix(s, m.text)
	case lb.L7EndsWith:
		return strings.HasSuffix(s, m.text)
	}
	return strings.Contains(s, m.text)
}

// equal compares b with a text of the same length.
func (m *matcher) equal(b []byte) bool {
	if m.fold {
		return foldedEqual(b, m.text)
	}
	return string(b) == m.text
}

func (m *matcher) contains(b []byte) bool {
	if !m.fold {
		return bytes.Contains(b, []byte(m.text)) // no copy is made
	}
	for ; len(b) >= len(m.text); b = b[1:] {
		if foldedEqual(b[:len(m.text)], m.text) {
			return true
		}
		if len(b) == 0 {
			break
		}
	}
	return false
}

// foldedEqual compares two texts of the same length without regard to the case of ASCII letters.
func foldedEqual(b []byte, text string) bool {
	for i, c := range b {
		if fold(c) != fold(text[i]) {
			return false
		}
	}
	return true
}

func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = fold(c)
	}
	return string(b)
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// byteRunes reads each byte as one character, as PCRE does without its UTF mode: "." matches one byte.
type byteRunes struct{ rest []byte }

// ReadRune implements [io.RuneReader].
func (r *byteRunes) ReadRune() (c rune, size int, err error) {
	if len(r.rest) == 0 {
		return 0, 0, io.EOF
	}
	c = rune(r.rest[0])
	r.rest = r.rest[1:]
	return c, 1, nil
}

var readers = sync.Pool{New: func() any { return new(byteRunes) }}

// matchBytes is re.Match for what is not ASCII.
func matchBytes(re *regexp.Regexp, b []byte) bool {
	r := readers.Get().(*byteRunes)
	r.rest = b
	ok := re.MatchReader(r)
	r.rest = nil
	readers.Put(r)
	return ok
}
