package lb

import (
	"regexp"
	"strings"
	"testing"
)

func TestParseL7Regex(t *testing.T) {
	for _, tt := range []struct{ v, want string }{
		{`^/api/v[0-9]+(/|$)`, ""},
		{`\.(?:jpe?g|png)$`, ""},
		{`(?i)^www\d{1,3}\.`, ""},
		{`a+?b*?c??d{2,3}?`, ""},
		{`[^]a[:alpha:]+(?=]x`, ""}, // all of that within brackets
		{`\Q(?=a++\E\+\++`, ""},
		{`{}{,}{a`, ""},
		{`\x41\x{7f}`, ""},
		{`(?P<name>a)(?<other>b)`, ""},
		{`(?s-i:a)`, ""},
		{`a(?=b)`, `no look-ahead ((?=): expressions are RE2's`},
		{`a(?!b)`, "no look-ahead ((?!)"},
		{`(?<=a)b`, "no look-behind ((?<=)"},
		{`(?<!a)b`, "no look-behind ((?<!)"},
		{`(?>a)`, "no atomic groups"},
		{`(?|a|b)`, "no branch reset"},
		{`(a)(?(1)b)`, "no conditions"},
		{`(?#x)`, "no comments"},
		{`a(?R)?`, "no recursion"},
		{`(a)(?1)`, "no recursion"},
		{`(a)(?-1)`, "no recursion"},
		{`(?P<n>a)(?P=n)`, "no back-references"},
		{`(?P<n>a)(?P>n)`, "no recursion"},
		{`(a)\1`, `no back-references (\1)`},
		{`(a)[\12]`, "no back-references"},
		{`(?<n>a)\k<n>`, `no back-references (\k)`},
		{`(*UTF8)a`, "no verbs"},
		{`a++`, "no possessive quantifiers (++)"},
		{`a*+`, "no possessive quantifiers (*+)"},
		{`a?+`, "no possessive quantifiers (?+)"},
		{`a{2,}+`, "no possessive quantifiers ({2,}+)"},
		{`a{,3}`, "{,3} does not mean the same to RE2 and PCRE, use {0,3}"},
		{`\pL`, "does not mean the same"},
		{`é`, "a character outside ASCII does not mean the same"},
		{`\xe9`, "outside ASCII"},
		{`\x{100}`, "outside ASCII"},
		{`a\vb`, `use \x0b`},
		{`a\Kb`, `invalid escape sequence: `},
		{`a\`, "trailing backslash"},
		{`(`, "missing closing )"},
		{`[a`, "missing closing ]"},
		{`[a-z]{1000}[a-z]{1000}`, "at most 2000 are allowed"},
	} {
		_, err := ParseL7Regex(tt.v, false)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.v, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error is %v, want %q", tt.v, err, tt.want)
		}
	}
}

func TestParseL7RegexFolds(t *testing.T) {
	for fold, want := range map[bool]bool{true: true, false: false} {
		re, err := ParseL7Regex("^www|mail$", fold)
		if err != nil {
			t.Fatal(err)
		}
		if re.MatchString("WWW") != want || re.MatchString("x.MAIL") != want || !re.MatchString("www") {
			t.Errorf("fold %v: %v", fold, re)
		}
	}
}

// Whatever is accepted compiles, in both ways, and matches without a panic.
func FuzzParseL7Regex(f *testing.F) {
	for _, s := range []string{`^/a(b|c)+$`, `[[:alpha:]]\Q+\E{2,3}?`, `(?i:x)\x{41}`, `a{,2}`, `(?<n>.)`} {
		f.Add(s, "/abc")
	}
	f.Fuzz(func(t *testing.T, v, subject string) {
		re, err := ParseL7Regex(v, false)
		if err != nil {
			return
		}
		folded, err := ParseL7Regex(v, true)
		if err != nil {
			t.Fatalf("%q compiles only without folding: %v", v, err)
		}
		if re.MatchString(subject) && !regexp.MustCompile(v).MatchString(subject) {
			t.Fatalf("%q matches %q in one way only", v, subject)
		}
		folded.MatchString(subject)
	})
}
