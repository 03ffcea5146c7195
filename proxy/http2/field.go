package http2

// Classes of bytes in names and values (RFC 9113 section 8.2.1). What is refused here could end a line of the head that is written from
// it, or is malformed in any reading; the rest is left to package http1.
const (
	isName = 1 << iota // tchar without upper-case letters
	isTchar
	isVisible // no control character, no space
)

var class = makeClasses()

func makeClasses() (t [256]uint8) {
	const lower = "0123456789abcdefghijklmnopqrstuvwxyz!#$%&'*+-.^_`|~"
	for i := range len(lower) {
		t[lower[i]] |= isName | isTchar
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] |= isTchar
	}
	for c := 0x21; c < 256; c++ {
		if c != 0x7f {
			t[c] |= isVisible
		}
	}
	return t
}

// all reports whether s is not empty and has only bytes of the class.
func all(s string, bit uint8) bool {
	for i := range len(s) {
		if class[s[i]]&bit == 0 {
			return false
		}
	}
	return len(s) > 0
}

// validValue reports whether v may be a field value: no NUL, CR or LF, and no white space around it.
func validValue(v string) bool {
	for i := range len(v) {
		if c := v[i]; c <= '\r' && (c == 0 || c == '\n' || c == '\r') {
			return false
		}
	}
	return len(v) == 0 || !isBlank(v[0]) && !isBlank(v[len(v)-1])
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// parseLength reads the value of Content-Length: digits only, up to 2^63-1.
func parseLength[T string | []byte](v T) (int64, bool) {
	var n int64
	for i := range len(v) {
		d := int64(v[i]) - '0'
		if d < 0 || d > 9 || n > (1<<63-1-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, len(v) > 0
}

// sameFold compares without regard to the case of ASCII letters.
func sameFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
